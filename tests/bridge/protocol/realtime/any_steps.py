"""Draws what may happen to a session, and watches what it asks for."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from bridge.protocol.realtime import codes, commands, steps
from bridge.protocol.realtime.commands import Command
from bridge.protocol.realtime.recovery import Publication, StreamPosition
from bridge.protocol.realtime.steps import Action, Authenticate, Authorize, Close, GoLive, Join, Leave, Send

CHANNELS = st.sampled_from(["user:7", "campaign:1", "campaign:2", "bad"])
ROWS = st.lists(st.integers(1, 9), max_size=4).map(lambda offsets: tuple(Publication(n, b"{}") for n in offsets))
TOPS = st.builds(StreamPosition, st.integers(0, 9), st.sampled_from(["", "e"]), st.integers(0, 3))
RECOVERIES = st.builds(commands.Recovery, recover=st.booleans(), offset=st.integers(0, 9))
TIMES = st.none() | st.integers(0, 10**5)
SUBSCRIBES = st.builds(
    commands.Subscribe,
    CHANNELS,
    st.sampled_from(["", "t"]),
    recover=st.booleans(),
    offset=st.integers(0, 9),
    flag=st.integers(0, 3),
)
BODIES = st.one_of(
    st.builds(commands.Connect, st.sampled_from(["", "t"]), st.dictionaries(CHANNELS, RECOVERIES, max_size=2)),
    st.builds(commands.Unsubscribe, CHANNELS),
    st.builds(commands.History, CHANNELS, st.integers(-1, 3), st.none() | st.builds(commands.HistorySince)),
    st.builds(commands.Refresh, st.sampled_from(["", "t"])),
    st.builds(commands.SubRefresh, CHANNELS, st.sampled_from(["", "t"])),
    st.builds(commands.Presence, CHANNELS),
    st.builds(commands.PresenceStats, CHANNELS),
    st.sampled_from([commands.Publish(), commands.Rpc(), commands.Ping(), commands.Pong(), commands.Unknown()]),
)
NEWS: st.SearchStrategy[steps.Input] = st.one_of(
    st.builds(steps.Revoked, CHANNELS, st.sampled_from(codes.UNSUBSCRIBES)),
    st.sampled_from([steps.Tick(), steps.Extended(50_000), steps.Message(b"1")]),
)
ANY_OUTCOME: st.SearchStrategy[steps.Input] = st.one_of(
    st.builds(
        steps.Authenticated,
        st.sampled_from(["7", "8"]),
        TIMES,
        st.lists(CHANNELS, max_size=3, unique=True).map(tuple),
        st.booleans(),
    ),
    st.builds(steps.Allowed, TIMES),
    st.builds(steps.Joined, TOPS, ROWS, st.none() | st.just({"open": [], "rejected": []})),
    st.builds(steps.HistoryRead, TOPS, ROWS),
    st.builds(steps.Present, st.none() | st.just({"c": "7"}), st.integers(0, 9), st.integers(0, 9)),
    st.sampled_from([steps.Denied(), steps.Failed(), steps.Refused(), steps.Anonymous(), steps.Expired()]),
    st.just(steps.Disconnected(codes.FORCE_DISCONNECT)),
)


def alike(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One of them, each as often as the others, however many there are in it."""
    return st.sampled_from(strategies).flatmap(lambda strategy: strategy)


FITS = st.integers(0, 9)
"""Stands for an outcome that fits the operation."""
STEPS = alike(st.builds(Command, st.integers(1, 99), alike(SUBSCRIBES, BODIES)), FITS, FITS, alike(ANY_OUTCOME, NEWS))
FITTING: dict[type, list[steps.Input]] = {
    Authenticate: [
        steps.Authenticated("7", None),
        steps.Authenticated("7", 10**5, ("user:7", "campaign:1")),
        steps.Anonymous(),
        steps.Expired(),
    ],
    Authorize: [steps.Allowed(), steps.Allowed(5_000), steps.Denied(), steps.Expired(), steps.Failed()],
    Join: [
        steps.Joined(StreamPosition(4, "e"), (Publication(4, b"{}"),), {"open": []}),
        steps.Joined(StreamPosition(0, ""), (), None),
        steps.Failed(),
    ],
    steps.ReadHistory: [steps.HistoryRead(StreamPosition(4, "e"), (Publication(4, b"{}"),))],
    steps.ReadPresence: [steps.Present({"c": "7"}, 1, 1)],
}
"""What a shell may answer an operation with."""


class Watcher:
    """Follows the actions as a shell would, and holds the session to its word."""

    def __init__(self) -> None:
        self.asked: set[str] = set()  # the channels that the shell was told to register with
        self.live: set[str] = set()
        self.operation: Action | None = None  # the one that waits for its outcome
        self.closed = False

    def watch(self, actions: list[Action]) -> None:
        told: set[str] = set()
        for action in actions:
            assert not self.closed, "an action after the end"
            self.operation = action if type(action) in FITTING else self.operation
            match action:
                case Join(channel):
                    assert channel not in self.live | self.asked
                    self.asked.add(channel)
                case GoLive(channel):
                    assert channel in told, "live before the client was told"
                    self.asked.remove(channel)
                    self.live.add(channel)
                case Leave(channel):
                    assert channel in self.live | self.asked
                    self.live.discard(channel)
                    self.asked.discard(channel)
                case Send(payload):
                    told |= self.told(json.loads(payload))
                case Close():
                    self.closed = True

    def outcome(self, choice: int) -> steps.Input:
        """Of the operation that waits for one."""
        fitting = FITTING.get(type(self.operation), [steps.Tick()])
        return fitting[choice % len(fitting)]

    def told(self, message: dict[str, Any]) -> set[str]:
        """The channels that this message tells the client it has."""
        if "subscribe" in message:
            return set(self.asked)
        if "connect" in message:
            return set(message["connect"].get("subs", ()))
        push = message.get("push", {})
        return {push["channel"]} if "subscribe" in push else set()
