"""Faults strike as often, and where, they were told to."""

from __future__ import annotations

from topics.devnet.faults import Fault, Faults
from topics.devnet.state import NODES

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
