"""Every fault can be told what it needs, and the documentation knows it."""

from __future__ import annotations

from pathlib import Path

from topics.devnet.fault_kinds import NEEDS, TAKES, Fault
from topics.devnet.faults import Asked

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "devnet.md"


def test_each_fault_has_its_row() -> None:
    assert set(TAKES) == set(Fault)
    told = {name for names in TAKES.values() for name in names} | {"times", "for_s"}
    assert told == set(Asked.__annotations__)
    assert all(needed in TAKES[fault] for fault, needed in NEEDS.items())


def test_each_fault_is_in_the_documentation() -> None:
    text = DOCUMENTATION.read_text()
    assert [each.value for each in Fault if f"| `{each.value}` |" not in text] == []
