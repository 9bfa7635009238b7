"""What a year comes to is reckoned from what was measured; the whole of it runs among the long tests."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_year_is_fresh_days_and_kept_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))  # the benchmarks are run from the checkout, and not installed
    year = importlib.import_module("benchmarks.year").year
    assert year(1e6, 10, {"a": 5_000, "b": 5_000}, {"a": 1_000}, days=65) == 65 + 30


@pytest.mark.long
def test_it_runs_and_retention_leaves_less() -> None:
    command = [sys.executable, "-m", "benchmarks.year", "--json", "--campaigns", "12"]
    found = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120).stdout)
    assert found["events"] > 200
    for name in ("outbox", "record of the ledger"):
        assert found["kept_bytes_per_1000"][name] < found["fresh_bytes_per_1000"][name]
