"""The benchmark of both corridors, in small: that it runs, and that what it counts agrees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVENTS = 60


@pytest.mark.long
def test_it_runs_and_its_counts_agree() -> None:
    command = [sys.executable, "-m", "benchmarks.corridor", "--json", "--events", str(EVENTS), "--campaigns", "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["accepted"] == found["confirmed"] == found["conditions"]["events"] == EVENTS
    assert found["duplicates"] == 0
    assert 4 <= found["transactions"] <= EVENTS
    assert found["bytes_on_ledger_per_event"] > 0
    assert {"accepted_per_s", "confirmed_per_s", "daemon_cpu_us_per_event"} <= found.keys()
    for latency in ("provisional_ms", "confirmed_ms"):
        assert 0 <= found[latency]["p50"] <= found[latency]["p99"]
