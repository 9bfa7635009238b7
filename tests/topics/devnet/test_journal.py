"""The file of a kept network: whole entries come back, a torn end is cut off, anything else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topics.devnet.journal import MAGIC, Begun, Entry, Journal, JournalDamaged, JournalHeld, Opened, Ran, Started, Taken

ENTRIES: list[Entry] = [
    Begun(1_700_000_000_000_000_001, "302e", 50),
    Started(30_000, 360_000),
    Opened(b"key", 7, 1_700_000_000_000_000_002),
    Taken(1_700_000_000_000_000_003, 3, False, b"a transaction"),
    Ran(1_700_000_000_000_000_003, 22, 150),
]


def write(directory: Path, entries: list[Entry]) -> Path:
    journal = Journal(directory)
    assert list(journal.entries()) == []
    for entry in entries:
        journal.add(entry)
    journal.close()
    return journal.path


def read(directory: Path) -> list[Entry]:
    journal = Journal(directory)
    try:
        return list(journal.entries())
    finally:
        journal.close()


def test_what_was_added_comes_back(tmp_path: Path) -> None:
    path = write(tmp_path / "new", ENTRIES)
    assert path.stat().st_mode & 0o777 == 0o600
    journal = Journal(tmp_path / "new")
    assert list(journal.entries()) == ENTRIES
    journal.add(ENTRIES[-1])
    journal.flush()
    assert read_past_the_lock(path) == path.stat().st_size
    journal.close()
    assert read(tmp_path / "new") == [*ENTRIES, ENTRIES[-1]]


def read_past_the_lock(path: Path) -> int:
    return len(path.read_bytes())


@settings(deadline=None)  # a busy machine is no fault
@given(st.integers(min_value=1), st.booleans())
def test_a_torn_end_is_cut_off_and_written_over(
    tmp_path_factory: pytest.TempPathFactory, cut: int, zeros: bool
) -> None:
    directory = tmp_path_factory.mktemp("torn")
    path = write(directory, ENTRIES)
    whole = path.read_bytes()
    cut %= len(whole)
    # A file system may have given out the rest and not filled it.
    path.write_bytes(whole[:cut] + (bytes(len(whole) - cut) if zeros and cut > len(MAGIC) else b""))
    found = read(directory)
    assert found == ENTRIES[: len(found)]
    assert len(found) < len(ENTRIES)
    journal = Journal(directory)
    list(journal.entries())
    journal.add(ENTRIES[0])
    journal.close()
    assert read(directory) == [*found, ENTRIES[0]]


def test_damage_in_the_middle_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, ENTRIES)
    whole = bytearray(path.read_bytes())
    whole[len(MAGIC) + 12] ^= 1
    path.write_bytes(whole)
    with pytest.raises(JournalDamaged, match="is spoilt") as caught:
        read(tmp_path)
    assert "--fresh" in caught.value.hint
    assert path.read_bytes() == whole


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.journal"
    path.write_bytes(b"a letter")
    with pytest.raises(JournalDamaged, match="begins with something else"):
        read(tmp_path)
    assert path.read_bytes() == b"a letter"


def test_an_entry_of_another_version_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [*ENTRIES, Taken(1, 3, False, "text")])  # type: ignore[arg-type]
    with pytest.raises(JournalDamaged, match="bytes"):
        read(tmp_path)


def test_one_network_at_a_time_and_anew(tmp_path: Path) -> None:
    write(tmp_path, ENTRIES)
    journal = Journal(tmp_path)
    with pytest.raises(JournalHeld, match="in use"):
        Journal(tmp_path, fresh=True)
    assert list(journal.entries()) == ENTRIES
    journal.close()
    anew = Journal(tmp_path, fresh=True)
    assert list(anew.entries()) == []
    anew.close()
