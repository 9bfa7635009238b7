"""What a commit takes here: the floor under everything that is answered when it is on disk.

As a process of its own, `python -m benchmarks._commits`, it measures beside a load without sharing its interpreter.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks._children import obey
from bridge.demo.account import percentiles


def commits(folder: Path, seconds: float, *, pause_s: float = 0.0) -> dict[str, float | None]:
    """Milliseconds that a commit of one small row takes here, flushed to the disk, as the daemon's are."""
    taken: list[float] = []
    file = folder / "commits.db"
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)")
            end = time.perf_counter() + seconds
            while (began := time.perf_counter()) < end:
                connection.execute("INSERT INTO t (v) VALUES (zeroblob(100))")
                taken.append((time.perf_counter() - began) * 1000)
                time.sleep(pause_s)
    finally:
        file.unlink(missing_ok=True)
    return percentiles(taken)


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """One order."""
    return commits(Path(order["folder"]), order["seconds"], pause_s=order["pause_s"])


if __name__ == "__main__":
    asyncio.run(obey(work))
