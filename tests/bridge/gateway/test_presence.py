"""Presence: who is there, told to whoever listens, and only counted where there are too many."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bridge.gateway.elsewhere import Nowhere
from bridge.gateway.hub import Frame
from bridge.gateway.presence import Presence, together
from bridge.protocol.realtime.steps import Present

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


class Others(Nowhere):
    """Another daemon with some clients, which notes what it is told."""

    def __init__(self, *present: Present) -> None:
        self.at_others = present
        self.told: list[tuple[str, bool]] = []

    def moved(self, channel: str, client: str, user: str, *, joined: bool) -> None:
        self.told.append((client, joined))

    async def present(self, channel: str) -> Sequence[Present]:
        return self.at_others


async def test_who_is_there() -> None:
    presence, clients = Presence(max_clients=2), [Somebody("a", "7"), Somebody("b", "7"), Somebody("c", "8")]
    for client in clients[:2]:
        presence.enter(CHANNEL, client, listens=False)
    assert await presence.read(CHANNEL) == presence.here(CHANNEL) == Present({"a": "7", "b": "7"}, 2, 1)
    presence.enter(CHANNEL, clients[2], listens=False)
    assert await presence.read(CHANNEL) == presence.here(CHANNEL) == Present(None, 3, 2)
    for client in clients:
        presence.leave(CHANNEL, client)
    assert presence.here(CHANNEL).num_clients == (await presence.read("campaign:2")).num_clients == 0


async def test_those_at_other_daemons_count_and_are_named_with_the_others() -> None:
    presence = Presence(max_clients=3, elsewhere=Others(Present({"b": "7", "c": "8"}, 2, 2)))
    presence.enter(CHANNEL, Somebody("a", "7"), listens=False)
    assert await presence.read(CHANNEL) == Present({"a": "7", "b": "7", "c": "8"}, 3, 2)
    presence.enter(CHANNEL, Somebody("d", "9"), listens=False)
    assert await presence.read(CHANNEL) == Present(None, 4, 3)
    assert presence.here(CHANNEL).num_clients == 2


def test_of_a_crowd_elsewhere_the_users_are_added() -> None:
    few, crowd = Present({"a": "7"}, 1, 1), Present(None, 5, 4)
    assert together([few, crowd, few], max_clients=9) == Present(None, 7, 5)
    assert together([], max_clients=9) == Present({}, 0, 0)


def test_who_comes_and_goes_elsewhere_is_told_here_and_the_other_way_round() -> None:
    others, ear = Others(), Somebody("a", "7")
    presence = Presence(max_clients=1, elsewhere=others)
    presence.enter(CHANNEL, ear, listens=True)
    presence.tell(CHANNEL, "x", "8", joined=True)
    presence.tell(CHANNEL, "x", "8", joined=False)
    assert ear.heard == [("join", "a"), ("join", "x"), ("leave", "x")]
    second = Somebody("b", "7")
    presence.enter(CHANNEL, second, listens=False)
    presence.tell(CHANNEL, "y", "8", joined=True)  # with two there is a crowd
    presence.leave(CHANNEL, second)
    assert ear.heard[3:] == [("leave", "b")]
    assert others.told == [("a", True), ("b", False)]


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
