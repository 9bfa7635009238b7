"""Costs from the command line: rows, their sum, and the forms they are printed in."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from bridge.commands import costs as verb
from bridge.config import Config, load
from bridge.demo.keys import make_demo_keys
from bridge.publish import costs
from bridge.publish.budgets import Bill, Scope
from bridge.storage import opened
from bridge.supervise import supervised
from topics.values import AccountId, TransactionId

ROWS = [
    {
        "campaign": name, "transactions": 2, "events": 3, "hbar": hbar, "usd": usd, "usd_per_hbar": "0.12",
        "reserved_hbar": "0", "budget_hbar": None,
    }
    for name, hbar, usd in (("1", "0.5", "0.06"), ("2", "1.25", "0.15"))
]  # fmt: skip


def configured(folder: Path) -> Config:
    make_demo_keys(folder)
    return load(
        None,
        {
            "HCS_BRIDGE_KEYS__MASTER_KEY_FILE": str(folder / "master.key"),
            "HCS_BRIDGE_KEYS__SIGNING_KEY_FILE": str(folder / "signing.key"),
            "HCS_BRIDGE_DATABASE__URL": f"sqlite:///{folder / 'b.db'}",
            "HCS_BRIDGE_BUDGETS__CAMPAIGN_HBAR": "2.5",
        },
    )


async def test_rows_are_the_bills_with_their_budgets(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert await verb.spent(config, Scope.CAMPAIGN) == []
    async with opened(config, alone=True) as storage, supervised({"database": storage.database.run}):
        transaction_id = TransactionId(AccountId(0, 0, 2), 1)
        await storage.database.write(
            lambda c: costs.reserve(c, transaction_id, costs.bills("1", {"backend": 10**8}, at_ns=0))
        )
    [row] = await verb.spent(config, Scope.CAMPAIGN)
    assert row == {
        "campaign": "1", "transactions": 0, "events": 0, "hbar": "0", "usd": "0", "usd_per_hbar": None,
        "reserved_hbar": "1", "budget_hbar": "2.5",
    }  # fmt: skip
    assert [row["day"] for row in await verb.spent(config, Scope.DAY)] == ["1970-01-01"]
    assert [row["budget_hbar"] for row in await verb.spent(config, Scope.KEY)] == [None]
    assert Bill(Scope.KEY, "backend").name in str(await verb.spent(config, Scope.KEY))


def test_the_sum_states_the_rate_it_rests_on() -> None:
    assert verb.in_all(ROWS) == {
        "transactions": 4, "events": 6, "hbar": "1.75", "usd": "0.21", "reserved_hbar": "0", "usd_per_hbar": "0.12",
    }  # fmt: skip
    assert verb.in_all([])["usd_per_hbar"] is None


def test_csv_has_a_head_and_a_line_each() -> None:
    read = list(csv.DictReader(io.StringIO(verb.csv_of(ROWS, Scope.CAMPAIGN))))
    assert [(row["campaign"], row["hbar"], row["budget_hbar"]) for row in read] == [("1", "0.5", ""), ("2", "1.25", "")]


def test_a_table_is_whole_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    verb.show(ROWS, Scope.CAMPAIGN, as_csv=False, as_json=False)
    out = capsys.readouterr().out
    assert "…" not in out
    assert out.splitlines()[0].split() == ["campaign", *verb.COLUMNS]


def test_a_table_ends_with_the_sum() -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(verb.table(ROWS, Scope.CAMPAIGN))
    lines = [line.split() for line in out.getvalue().splitlines() if line.strip()]
    assert lines[0][:4] == ["campaign", "transactions", "events", "hbar"]
    assert lines[1][:4] == ["1", "2", "3", "0.5"]
    assert lines[-1][:4] == ["total", "4", "6", "1.75"]
