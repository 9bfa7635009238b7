"""`hcs-bridge costs`: what was spent, by campaign, day or API key, as a table, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.table import Table

from bridge.commands.tables import print_whole
from bridge.config import Config
from bridge.offline import costs_by
from bridge.publish.budgets import Bill, Scope, hbar, plain, usd
from bridge.publish.costs import Sum
from bridge.room_settings import budgets_of
from topics.fees import TINYBAR_PER_HBAR, TINYCENTS_PER_USD

COLUMNS = ("transactions", "events", "hbar", "usd", "usd_per_hbar", "reserved_hbar", "budget_hbar")
TOTAL = "total"
RATE_PLACES = Decimal("0.000001")


async def spent(config: Config, scope: Scope) -> list[dict[str, Any]]:
    """One row a campaign, day or API key; amounts as exact decimal text, budgets None where there is none.

    `usd_per_hbar` is the exchange rate of the bookings, their mean where it has changed. A transaction that two API
    keys share counts once for each.
    """
    budgets = budgets_of(config)
    return [
        {scope.value: found.name, **_amounts(found), "budget_hbar": _limit(budgets.limit(Bill(scope, found.name)))}
        for found in await costs_by(config, scope)
    ]


def in_all(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What the rows come to."""
    listed = list(rows)
    amounts = {
        name: sum((Decimal(row[name]) for row in listed), Decimal(0)) for name in ("hbar", "usd", "reserved_hbar")
    }
    return {
        "transactions": sum(row["transactions"] for row in listed),
        "events": sum(row["events"] for row in listed),
        **{name: plain(amount) for name, amount in amounts.items()},
        "usd_per_hbar": _mean_rate(usd_amount=amounts["usd"], hbar_amount=amounts["hbar"]),
    }


def show(rows: Sequence[Mapping[str, Any]], scope: Scope, *, as_csv: bool, as_json: bool) -> None:
    """Print them: for people as a table, for scripts as JSON, for spreadsheets as CSV."""
    if as_json:
        sys.stdout.write(json.dumps({"by": scope.value, "rows": rows, "total": in_all(rows)}) + "\n")
    elif as_csv:
        sys.stdout.write(csv_of(rows, scope))
    else:
        print_whole(table(rows, scope))


def csv_of(rows: Sequence[Mapping[str, Any]], scope: Scope) -> str:
    """With a head, one row a line (RFC 4180)."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [scope.value, *COLUMNS], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def table(rows: Sequence[Mapping[str, Any]], scope: Scope) -> Table:
    """One row a line, and below them what they come to."""
    result = Table(box=None, pad_edge=False, show_footer=bool(rows))
    total = {scope.value: TOTAL, **in_all(rows)}
    for name in (scope.value, *COLUMNS):
        footer = _shown(total.get(name))
        justify: Any = "left" if name == scope.value else "right"
        result.add_column(name, footer=footer, justify=justify, no_wrap=True)
    for row in rows:
        result.add_row(*(_shown(row[name]) for name in (scope.value, *COLUMNS)))
    return result


def _amounts(found: Sum) -> dict[str, Any]:
    rate = _mean_rate(
        usd_amount=Decimal(found.tinycents) / TINYCENTS_PER_USD, hbar_amount=Decimal(found.tinybar) / TINYBAR_PER_HBAR
    )
    return {
        "transactions": found.transactions,
        "events": found.events,
        "hbar": hbar(found.tinybar),
        "usd": usd(found.tinycents),
        "usd_per_hbar": rate,
        "reserved_hbar": hbar(found.reserved_tinybar),
    }


def _mean_rate(*, usd_amount: Decimal, hbar_amount: Decimal) -> str | None:
    return plain((usd_amount / hbar_amount).quantize(RATE_PLACES)) if hbar_amount else None


def _limit(tinybar: int) -> str | None:
    return hbar(tinybar) if tinybar else None


def _shown(value: object) -> str:
    return "" if value is None else str(value)
