"""Measures what an event leaves in the database, before and behind retention, and reckons a year of it.

A part of a day is published for real, over the devnet, the daemon and its own retention; the year is arithmetic: so
many campaigns a day, `publish.keep_settled_days` and `relay.keep_user_days` of them as fresh as measured, the rest as
retention leaves it. Pages are counted behind a VACUUM: a database that works has up to as many free ones as it lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks._backlog import door_of, registered
from benchmarks._world import SETTINGS, ground, until
from bridge.commands.publishing import publish_file
from bridge.database import Database
from bridge.demo.day import sample_day
from bridge.engines import sqlite
from bridge.publish.forgetting import forget_settled
from bridge.relay.pruning import prune_once
from bridge.supervise import supervised

CAMPAIGNS = 200
A_DAY = {"safe under the quota": 75, "lower ceiling": 1920, "upper ceiling": 5760}
CLASSES = {
    "outbox": ("entries", "idempotency"),
    "record of the ledger": ("flights", "transactions"),
    "publications": ("publications",),
    "costs": ("costs", "reservations"),
}  # all else grows with campaigns: their topics, keys, positions
FAR_MS = 4 * 10**12  # in the year 2096
DAYS = 365


async def measured(campaigns: int) -> dict[str, Any]:
    """Bytes per 1,000 events by class, fresh and kept, and the year that follows from them, in GB."""
    async with ground(settings=SETTINGS) as found:
        config = found.config()
        place = sqlite.file_of(config.database)
        changes = sample_day(campaigns, start=datetime(2026, 1, 1, tzinfo=UTC))
        file = found.folder / "day.jsonl"
        file.write_text("".join(json.dumps(change) + "\n" for change in changes))
        async with found.daemon() as run:
            async with door_of(run) as door:
                await registered(door, campaigns)
            await publish_file(run.config, str(file), label="", url=None, patience_s=60, quiet=True)
            await until(lambda: _confirmed(place), "confirming")
        events = _count(place, "SELECT count(*) FROM entries")
        fresh = sizes(place)
        database = Database(config.database)
        try:
            async with supervised({"database": database.run}):
                await forget_settled(database, before_ms=FAR_MS, keys_ms=FAR_MS, newest=events)
                for _ in range(2):
                    await prune_once(database, kind="user", keep_publications=1, keep_days=1, now_ms=FAR_MS)
        finally:
            await database.close()
        kept = sizes(place)
    per_campaign = events / campaigns
    return {
        "events": events,
        "campaigns": campaigns,
        "fresh_bytes_per_1000": {name: round(size * 1000 / events) for name, size in fresh.items()},
        "kept_bytes_per_1000": {name: round(size * 1000 / events) for name, size in kept.items()},
        "year_gb": {name: year(rate * per_campaign, events, fresh, kept) for name, rate in A_DAY.items()},
        "campaigns_a_day": A_DAY,
        "conditions": f"{per_campaign:.1f} events a campaign, all topics' publications kept, 90 days of settled events",
    }


def year(events_a_day: float, events: int, fresh: Mapping[str, int], kept: Mapping[str, int], days: int = 90) -> float:
    """GB of a database behind a year of so many events a day, `days` of them as fresh as measured."""
    young, old = sum(fresh.values()) / events, sum(kept.values()) / events
    return round(events_a_day * (days * young + (DAYS - days) * old) / 1e9, 2)


def sizes(place: Path) -> dict[str, int]:
    """Bytes of the pages of each class, with those of its indexes."""
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("VACUUM")
        of_table: dict[str, int] = dict(
            connection.execute(
                "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_master s ON s.name = d.name GROUP BY 1"
            ).fetchall()
        )
    known = {name: sum(of_table.pop(table, 0) for table in tables) for name, tables in CLASSES.items()}
    return known | {"campaigns": sum(of_table.values())}


def _confirmed(place: Path) -> bool:
    return not _count(place, "SELECT count(*) FROM entries WHERE state != 'confirmed'")


def _count(place: Path, statement: str) -> int:
    with closing(sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return int(connection.execute(statement).fetchone()[0])


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line")
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS)
    options = parser.parse_args()
    found = asyncio.run(measured(options.campaigns))
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
