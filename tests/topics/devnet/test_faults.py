"""Faults strike as often, and where, they were told to."""

from __future__ import annotations

import pytest

from topics.devnet.faults import Asked, Fault, Faults, Place, Side
from topics.devnet.state import NODES
from topics.values import NANOS, TopicId

FIRST, SECOND = NODES


def test_nothing_strikes_unasked() -> None:
    assert not any(Faults().strikes(fault, FIRST) for fault in Fault)


def test_so_many_times() -> None:
    faults = Faults()
    faults.inject(Fault.BUSY, times=2)
    assert [faults.strikes(Fault.BUSY, node) for node in (FIRST, SECOND, FIRST)] == [True, True, False]


def test_at_one_node_until_cleared() -> None:
    faults = Faults()
    faults.inject(Fault.NODE_DOWN, node=FIRST)
    assert all(faults.strikes(Fault.NODE_DOWN, FIRST) for _ in range(5))
    assert not faults.strikes(Fault.NODE_DOWN, SECOND)
    faults.clear(Fault.NODE_DOWN)
    assert not faults.strikes(Fault.NODE_DOWN, FIRST)


def test_clearing_one_kind_or_all() -> None:
    faults = Faults()
    faults.inject(Fault.BUSY)
    faults.inject(Fault.MIRROR_UNREACHABLE)
    faults.clear(Fault.BUSY)
    assert not faults.strikes(Fault.BUSY, FIRST)
    assert faults.strikes(Fault.MIRROR_UNREACHABLE)
    faults.clear()
    assert not faults.strikes(Fault.MIRROR_UNREACHABLE)


def test_for_some_time() -> None:
    now = [100 * NANOS]
    faults = Faults(lambda: now[0])
    faults.inject(Fault.RECEIPTS_EXPIRED, for_s=2)
    now[0] += 2 * NANOS - 1
    assert faults.strikes(Fault.RECEIPTS_EXPIRED, FIRST)
    now[0] += 1
    assert not faults.strikes(Fault.RECEIPTS_EXPIRED, FIRST)
    assert faults.standing() == []


def test_a_skewed_clock_at_one_node() -> None:
    faults = Faults()
    faults.inject(Fault.CLOCK_SKEW, node=FIRST, skew_s=2.5, times=1)
    assert faults.skew_ns(SECOND) == 0
    assert [faults.skew_ns(FIRST) for _ in range(2)] == [2_500_000_000, 0]


def test_what_stands() -> None:
    faults = Faults()
    faults.inject(Fault.BUSY, times=3, node=FIRST)
    faults.inject(Fault.BUSY, times=1, node=SECOND)
    faults.inject(Fault.HANG)
    faults.strikes(Fault.BUSY, FIRST)
    faults.strikes(Fault.BUSY, SECOND)
    assert [(each.fault, each.asked.get("node"), each.times) for each in faults.standing()] == [
        (Fault.BUSY, FIRST, 2),
        (Fault.HANG, None, None),
    ]
    faults.clear(node=FIRST)
    assert [each.fault for each in faults.standing()] == [Fault.HANG]
    faults.inject(Fault.HANG, times=1)
    assert [each.times for each in faults.standing()] == [1]


def test_the_narrowest_place_counts() -> None:
    faults = Faults()
    topic, call = TopicId(0, 0, 7), Place(mirror=1, side=Side.REST, topic=TopicId(0, 0, 7))
    faults.inject(Fault.MIRROR_LAG, lag_s=1)
    faults.inject(Fault.MIRROR_LAG, lag_s=2, mirror=1, topic=topic, times=1)
    faults.inject(Fault.MIRROR_LAG, lag_s=3, mirror=0)
    faults.inject(Fault.MIRROR_LAG, lag_s=4, side=Side.GRPC)

    def lag_s(at: Place) -> float | None:
        found = faults.strike(Fault.MIRROR_LAG, at)
        return None if found is None else found.asked.get("lag_s")

    assert lag_s(Place(mirror=0, side=Side.REST)) == 3
    assert lag_s(call._replace(topic=TopicId(0, 0, 8))) == 1
    # Looking doesn't count; what is over makes room for the next.
    assert faults.find(Fault.MIRROR_LAG, call) == faults.find(Fault.MIRROR_LAG, call)
    assert [lag_s(call), lag_s(call)] == [2, 1]
    faults.clear(mirror=0)
    assert lag_s(Place(mirror=0, side=Side.REST)) == 1
    faults.clear(topic=topic)
    assert [each.asked.get("lag_s") for each in faults.standing()] == [1, 4]


def test_listeners_hear_of_every_change() -> None:
    faults, heard = Faults(), []
    faults.on_change.append(lambda: heard.append(len(faults.standing())))
    faults.inject(Fault.HANG)
    faults.clear()
    assert heard == [1, 0]


@pytest.mark.parametrize(
    ("fault", "asked", "said"),
    [
        (Fault.BUSY, {"lag_s": 3}, "lag_s doesn't go with the fault busy, but with mirror-lag, mirror-replicas"),
        (Fault.MIRROR_LAG, {"node": FIRST, "lag_s": 1}, "node doesn't go with the fault mirror-lag"),
        (Fault.MIRROR_LAG, {}, "the fault mirror-lag needs lag_s"),
        (Fault.MESSAGE_ALTERED, {"sequence": 1}, "the fault message-altered needs field"),
        (Fault.STREAM_BREAKS, {"status": "BROKEN"}, "BROKEN is no status of gRPC"),
    ],
)
def test_what_makes_no_sense(fault: Fault, asked: Asked, said: str) -> None:
    faults = Faults()
    with pytest.raises(ValueError, match=said):
        faults.inject(fault, **asked)
    assert faults.standing() == []
