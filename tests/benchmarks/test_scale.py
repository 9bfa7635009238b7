"""The tables in docs/scale.md are what the script prints, and its figures are those that the documentation has."""

from __future__ import annotations

import importlib
import json
import re
import statistics
import sys
from itertools import groupby
from types import ModuleType

import pytest

from tests.doc_blocks import DOCS, ROOT


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))  # the benchmarks are run from the checkout, and not installed
    return importlib.import_module("benchmarks.scale")


def _section(place: str) -> str:
    """The words below a heading, by page#heading."""
    page, _, wanted = place.partition("#")
    for part in (DOCS / page).read_text().split("\n## ")[1:]:
        heading, _, text = part.partition("\n")
        if re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())) == wanted:
            return " ".join(text.split())
    pytest.fail(f"there is no such heading: {place}")


def _tables(text: str) -> list[str]:
    runs = groupby(text.splitlines(), key=lambda line: line.startswith("|"))
    return ["\n".join(lines) for is_table, lines in runs if is_table]


def _printed(
    scale: ModuleType, *options: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    monkeypatch.setattr(sys, "argv", ["scale", *options])
    scale.main()
    return capsys.readouterr().out


def test_the_page_has_the_tables_that_are_printed(
    scale: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = _printed(scale, monkeypatch=monkeypatch, capsys=capsys)
    assert _tables((DOCS / "scale.md").read_text()) == _tables(printed), "python -m benchmarks.scale prints them anew"


def test_json_is_the_last_line_and_has_every_table(
    scale: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(_printed(scale, "--json", monkeypatch=monkeypatch, capsys=capsys).splitlines()[-1])
    assert [*found] == ["figures", "by_nodes", "ceilings", "loads", "listening"]
    [alone] = [row for row in found["by_nodes"] if row["nodes"].startswith("events/s, each alone")]
    assert alone["100"] == pytest.approx(100 * 1e6 / 3564)


def test_each_figure_is_told_where_it_says(scale: ModuleType) -> None:
    for each in scale.FIGURES:
        assert each.said in _section(each.section), f"{each.section} doesn't say {each.said!r} any more"
        told = [float(number) for number in re.findall(r"\d+\.?\d*", each.said.replace(",", ""))]
        assert each.value in told or each.value == pytest.approx(statistics.mean(told)), each
    for name, (fresh, left) in scale.BYTES.items():
        assert f"| {name} | {fresh:,} | {left:,} |" in _section(scale.KEPT)
