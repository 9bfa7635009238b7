"""The database's file: one process at a time, closed to others, and a clear word where it can't be used."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from bridge.config_sections import Database as DatabaseSection
from bridge.engines.faults import unavailable
from bridge.engines.sqlite import engine_of, hold
from bridge.errors import DatabaseHeld, Unavailable

SERVICE = 65532  # a user's id that is nobody's here


def section_at(path: Path) -> DatabaseSection:
    return DatabaseSection(url=f"sqlite:///{path}", busy_timeout_s=0.1)


def test_the_file_is_closed_to_others(tmp_path: Path) -> None:
    with engine_of(section_at(tmp_path / "b.db")).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (id INTEGER)")
        assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    section = section_at(tmp_path / "new" / "b.db")
    first = hold(section)
    with pytest.raises(DatabaseHeld, match="another process holds") as refused:
        hold(section)
    assert str(tmp_path / "new" / "b.db") in str(refused.value)
    assert "stop the other" in refused.value.hint
    first.close()
    hold(section).close()


def test_where_no_file_can_be_written_it_says_which_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    section = section_at(tmp_path / "file" / "b.db")
    for use in (hold, engine_of):
        with pytest.raises(Unavailable, match=r"file/b\.db.*: File exists") as refused:
            use(section)
        assert "mounted for writing" in refused.value.hint


def test_what_sqlite_refuses_says_what_to_do(tmp_path: Path) -> None:
    made, path = engine_of(section_at(tmp_path / "b.db")), tmp_path / "b.db"
    with made.begin() as first, unavailable():
        first.exec_driver_sql("CREATE TABLE kept (id INTEGER)")
        with pytest.raises(Unavailable, match="database is locked") as locked, unavailable(), made.begin() as second:
            second.exec_driver_sql("CREATE TABLE other (id INTEGER)")
    reading = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(Unavailable, match="readonly") as readonly, unavailable(), reading.begin() as third:
        third.exec_driver_sql("INSERT INTO kept VALUES (1)")
    assert "another process" in locked.value.hint
    assert "mounted for writing" in readonly.value.hint
    with pytest.raises(OperationalError, match="no such table"), unavailable(), made.begin() as fourth:
        fourth.exec_driver_sql("SELECT * FROM nowhere")  # a fault of ours, which no waiting mends


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_what_root_makes_is_the_folders_owners_so_that_the_daemon_can_use_it(tmp_path: Path) -> None:
    os.chown(tmp_path, SERVICE, SERVICE)
    with closing(hold(section := section_at(tmp_path / "b.db"))), engine_of(section).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (id INTEGER)")
        assert {path.name for path in tmp_path.iterdir()} == {"b.db", "b.db-wal", "b.db-shm", "b.db.lock"}
        assert {path.stat().st_uid for path in tmp_path.iterdir()} == {SERVICE}
