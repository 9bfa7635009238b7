"""The benchmarks of the gateway, in small: that they run, tell everything, and that all arrived that was sent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def run(name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.long
def test_fanout() -> None:
    """It raises by itself where a subscriber didn't get exactly what was sent."""
    found = run("fanout")
    tables = {"us_per_delivery", "floor", "ws", "broadcast"}
    assert found.keys() == tables | {"corridor_us_per_publication", "conditions"}
    for name in tables:
        assert found[name].keys() == {"single", "burst"}
        assert all(sizes.keys() == {"20"} for sizes in found[name].values())
    assert found["conditions"]["deliveries"] == {"20": {"single": 80, "burst": 640}}
    assert found["conditions"]["one_frozen"].keys() == {"subscribers", "without", "with", "p99_ratios"}


@pytest.mark.long
def test_idle() -> None:
    found = run("idle")
    keys = {"kb_per_connection", "cpu_s_per_1000_connections_minute", "handshakes_per_core_s"}
    assert found.keys() == keys | {"conditions"}
    assert found["conditions"]["connections"] == 100


@pytest.mark.long
def test_latency() -> None:
    found = run("latency")
    assert found.keys() == {"provisional_ms", "confirmed_ms", "commit_ms", "conditions"}
    told = found["conditions"]
    assert told["events"] == 60
    assert told["provisional_deliveries"] == told["confirmed_deliveries"] == 60 * 8 / 4
    assert all(found[name].keys() == {"p50", "p99"} for name in ("provisional_ms", "confirmed_ms", "commit_ms"))


@pytest.mark.long
def test_nodes() -> None:
    """It raises by itself where a subscriber didn't get exactly what was told over the bus."""
    found = run("nodes")
    assert found["deliveries_per_cpu_s"].keys() == {"1", "2", "3"}
    assert found["accepted_per_cpu_s"].keys() == {"sqlite", "postgresql"}
    assert found["bus_ms"].keys() == {"p50", "p99"}
    assert isinstance(found["bus_overhead"], float)
    assert found["conditions"]["subscribers"] == 12
