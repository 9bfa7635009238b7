"""Measures by how much the triggers slow an application's own transactions down, with HashBuzz's tables.

PostgreSQL runs here with the same tables twice, in one schema with the triggers and in one without. One session sends
the same transaction to one and to the other in turns, so that what else the machine does meets both: of two sessions
one may run nearer to the client, by more than the triggers cost.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import psycopg

from benchmarks._children import machine
from tests.bridge.intake.hashbuzz import BACKEND, GRANTS, TABLES, USERS, backend, prepared, psql
from tests.servers import postgres_server

CAMPAIGNS = 100
WARM_UP = 50
STATUSES = ("ApprovalPending", "CampaignApproved")
KINDS = {
    "status": ["UPDATE {}.campaign_twittercard SET card_status = %(status)s WHERE id = %(campaign)s"],
    "balance": ["UPDATE {}.user_user SET available_budget = %(number)s WHERE id = %(user)s"],
    "log": ["""INSERT INTO {}."CampaignLog" (campaign_id, status, message) VALUES (%(campaign)s, 'done', 'a step')"""],
    "untold": ["UPDATE {}.campaign_twittercard SET name = %(name)s, card_status = card_status WHERE id = %(campaign)s"],
}
KINDS["four"] = [*KINDS["status"], *KINDS["balance"], *KINDS["log"], *KINDS["untold"]]
PLAIN, TOLD = "plain", "public"
FILL = "INSERT INTO {}.campaign_twittercard (owner_id, name) SELECT 1 + n % 5, 'c' FROM generate_series(1, {}) AS n;"
WHAT = (
    "ms by which a transaction of the application takes longer, from BEGIN to the answer to COMMIT: the median over "
    "pairs, one with the triggers and one without. slowdown_ms: of the kind that is slowed most by one event. untold: "
    "an update that is no event. four: all of these in one transaction, three events. fsync is off, which makes "
    "commits short and the difference no smaller; the outbox is not read meanwhile"
)


def measure(transactions: int) -> dict[str, Any]:
    """So many of each kind, on each side."""
    with postgres_server() as server:
        prepared(url := server.url())
        bare = f"CREATE SCHEMA {PLAIN}; SET search_path = {PLAIN};" + TABLES.read_text() + USERS + GRANTS
        psql(url, bare.replace("SCHEMA public", f"SCHEMA {PLAIN}") + f"GRANT USAGE ON SCHEMA {PLAIN} TO {BACKEND};")
        psql(url, FILL.format(PLAIN, CAMPAIGNS) + FILL.format(TOLD, CAMPAIGNS))
        with backend(url) as session:
            found = {kind: _compared(session, kind, transactions) for kind in KINDS}
            version = session.info.server_version
    return {
        "slowdown_ms": max(each["median_ms"] for kind, each in found.items() if kind != "four"),
        "by_kind": found,
        "conditions": {
            "what": WHAT,
            "pairs": transactions,
            "postgresql": f"{version // 10_000}.{version % 10_000}",
            **machine(),
        },
    }


def _compared(session: psycopg.Connection[Any], kind: str, transactions: int) -> dict[str, float]:
    pairs: list[tuple[float, float]] = []
    for number in range(WARM_UP + transactions):
        values = {
            "campaign": 1 + number % CAMPAIGNS,
            "user": 1 + number % 5,
            "number": number,
            "name": f"n{number}",
            "status": STATUSES[(number // CAMPAIGNS + 1) % 2],
        }
        order = (PLAIN, TOLD) if number % 2 else (TOLD, PLAIN)
        took = {schema: _took_ms(session, [each.format(schema) for each in KINDS[kind]], values) for schema in order}
        pairs.append((took[PLAIN], took[TOLD]))
    counted = pairs[WARM_UP:]
    plain, told = ([pair[side] for pair in counted] for side in (0, 1))
    return {
        "median_ms": round(statistics.median(told - plain for plain, told in counted), 3),
        "mean_ms": round(statistics.fmean(told - plain for plain, told in counted), 3),
        "without_ms": round(statistics.median(plain), 3),
        "with_ms": round(statistics.median(told), 3),
        "p99_without_ms": round(statistics.quantiles(plain, n=100)[-1], 3),
        "p99_with_ms": round(statistics.quantiles(told, n=100)[-1], 3),
    }


def _took_ms(session: psycopg.Connection[Any], statements: Sequence[str], values: dict[str, object]) -> float:
    began_s = time.perf_counter()
    for statement in statements:
        session.execute(statement.encode(), values)
    session.commit()
    return (time.perf_counter() - began_s) * 1000


def main() -> None:
    """`python -m benchmarks.triggers --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.triggers")
    parser.add_argument("--transactions", type=int, default=2000, help="of each kind, with the triggers and without")
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    found = measure(options.transactions)
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
