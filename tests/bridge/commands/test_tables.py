"""Tables are printed whole."""

from __future__ import annotations

import pytest
from rich.table import Table

from bridge.commands.tables import print_whole


@pytest.mark.parametrize("columns", ["20", "300"])
def test_a_cell_is_never_cut_off(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    table = Table(box=None)
    table.add_column("amount", no_wrap=True)
    table.add_column("note", no_wrap=True)
    table.add_row("0.123456789", "x" * 60)
    print_whole(table)
    assert capsys.readouterr().out.splitlines()[1].split() == ["0.123456789", "x" * 60]


def test_one_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(box=None)
    table.add_column("topic")
    print_whole(table)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == ["topic", "(none)"]
