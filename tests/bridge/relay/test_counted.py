"""How long an event took is told from its own id and its consensus time."""

from __future__ import annotations

import time

from bridge.counts import BOUNDS_S, happened, took
from bridge.protocol.envelope import Place
from bridge.protocol.values import Event
from bridge.protocol.wire.events import uuid7
from bridge.relay.counted import counted
from bridge.relay.placed import Placed
from bridge.relay.tail import Batch, Progress
from topics.values import TopicId


def test_accepted_three_seconds_before_consensus() -> None:
    now_ms = time.time_ns() // 1_000_000
    event = Event(uuid7(now_ms - 5000, b"\0" * 10), "X", now_ms - 5000, None, {})
    place = Place(TopicId(0, 0, 7), 2, 0, (now_ms - 2000) * 1_000_000, b"")
    before = {kind: list(took["lag", kind].by_bound) for kind in ("ledger", "mirror")}
    relayed = happened["relayed", "event"]
    counted(Batch((Placed(event, place),), Progress()))
    for kind, bound in (("ledger", 5.0), ("mirror", 2.5)):
        more = [now - was for now, was in zip(took["lag", kind].by_bound, before[kind], strict=True)]
        assert more[BOUNDS_S.index(bound)] == sum(more) == 1
    assert happened["relayed", "event"] - relayed == 1
