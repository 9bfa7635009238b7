"""Faults strike as often, and where, they were told to."""

from __future__ import annotations

from topics.devnet.faults import Fault, Faults, Standing
from topics.devnet.state import NODES
from topics.values import NANOS

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
    assert faults.standing() == [Standing(Fault.BUSY, FIRST, 2), Standing(Fault.HANG, None)]
    faults.clear(node=FIRST)
    assert [each.fault for each in faults.standing()] == [Fault.HANG]
    faults.inject(Fault.HANG, times=1)
    assert [each.times for each in faults.standing()] == [1]
