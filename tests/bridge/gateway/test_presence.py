"""Presence: who is there, told to whoever listens, and only counted where there are too many."""

from __future__ import annotations

import json

from bridge.gateway.hub import Frame
from bridge.gateway.presence import Presence

CHANNEL = "campaign:1"


class Somebody:
    """A client that notes what it is told of the others."""

    def __init__(self, client: str, user: str | None) -> None:
        self.client = client
        self.user = user
        self.heard: list[tuple[str, str]] = []

    def deliver(self, frame: Frame) -> None:
        push = json.loads(frame.payload)["push"]
        assert push.pop("channel") == CHANNEL
        [(kind, content)] = push.items()
        self.heard.append((kind, content["info"]["client"]))


def test_who_is_there() -> None:
    presence, clients = Presence(max_clients=2), [Somebody("a", "7"), Somebody("b", "7"), Somebody("c", "8")]
    for client in clients[:2]:
        presence.enter(CHANNEL, client, listens=False)
    present = presence.read(CHANNEL)
    assert (present.clients, present.num_clients, present.num_users) == ({"a": "7", "b": "7"}, 2, 1)
    presence.enter(CHANNEL, clients[2], listens=False)
    present = presence.read(CHANNEL)
    assert (present.clients, present.num_clients, present.num_users) == (None, 3, 2)
    for client in clients:
        presence.leave(CHANNEL, client)
    assert presence.read(CHANNEL).num_clients == presence.read("campaign:2").num_clients == 0


def test_who_listens_hears_who_comes_and_goes() -> None:
    presence, ear, other = Presence(max_clients=9), Somebody("a", "7"), Somebody("b", "8")
    presence.enter(CHANNEL, ear, listens=True)
    presence.enter(CHANNEL, other, listens=False)
    presence.leave(CHANNEL, other)
    presence.leave(CHANNEL, other)
    presence.leave(CHANNEL, ear)
    assert ear.heard == [("join", "a"), ("join", "b"), ("leave", "b")]
    assert other.heard == []


def test_a_crowd_is_not_told_of_each_other() -> None:
    presence, crowd = Presence(max_clients=2), [Somebody(name, name) for name in "abcd"]
    for client in crowd:
        presence.enter(CHANNEL, client, listens=True)
    assert crowd[0].heard == [("join", "a"), ("join", "b")]
    presence.leave(CHANNEL, crowd[3])
    presence.leave(CHANNEL, crowd[2])
    assert crowd[0].heard[2:] == [("leave", "c")]
