"""The benchmark of the browser client, in small: that it runs, and that every event came out verified."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_it_runs_and_tells_everything() -> None:
    """It raises by itself where an event is missing, or not verified."""
    command = [sys.executable, "-m", "benchmarks.browser", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["messages_verified_per_s"].keys() == {"1", "10"}
    assert all(per_s > 0 for per_s in found["messages_verified_per_s"].values())
