"""The benchmark of the triggers, in small: that it runs and tells what it should, and that it is within its bound."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_the_applications_transactions_slow_down_by_less_than_a_millisecond() -> None:
    command = [sys.executable, "-m", "benchmarks.triggers", "--transactions", "300", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == {"slowdown_ms", "by_kind", "conditions"}
    assert found["by_kind"].keys() == {"status", "balance", "log", "untold", "four"}
    assert found["slowdown_ms"] < 1
