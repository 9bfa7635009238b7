"""The benchmark of the outbound corridor, in small: that it runs, and that its counts and prices agree."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from bridge.demo.day import sample_day

ROOT = Path(__file__).parents[2]
KEYS = {
    "accepted_per_s",
    "confirmed_per_s",
    "transactions_per_s",
    "cpu_us_per_transaction",
    "usd_per_event",
    "usd_per_event_naive",
    "commit_ms",
    "vs_hiero_sdk",
    "vs_hedera_sdk_py",
    "conditions",
}


@pytest.fixture
def money(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmarks are run from the checkout, and not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks._money")


def test_fuller_frames_cost_less_and_all_cost_less_than_one_message_each(money: ModuleType) -> None:
    found = money.prices(sample_day(4, start=datetime(2026, 11, 2, tzinfo=UTC)))
    assert found.naive > found.usd_per_event["1"] > found.usd_per_event["4"] > found.usd_per_event["16"] > 0
    assert 0.00027 < found.naive < 0.0008  # two signatures at least, and less than a full message


def test_a_frame_that_is_longer_than_a_message_pays_for_each_chunk(money: ModuleType) -> None:
    story = [change for change in sample_day(1, start=datetime(2026, 11, 2, tzinfo=UTC)) if "to" not in change]
    assert len(money.frame_fees(story[:1], 1)) == 1
    assert len(money.frame_fees(story, 1)) > 1


@pytest.mark.long
def test_it_runs_and_tells_everything() -> None:
    command = [sys.executable, "-m", "benchmarks.publish", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == KEYS
    assert found["accepted_per_s"].keys() == {"1", "64"}
    assert found["usd_per_event"].keys() == {"1", "4", "16"}
    for clients in ("1", "64"):
        told = found["conditions"]["accepting"][clients]
        assert told["accepted"] > 0
        assert told["refused"] == 0
    for rate in ("confirmed_per_s", "transactions_per_s", "cpu_us_per_transaction", "vs_hiero_sdk"):
        assert found[rate] > 0
    assert 0 < found["commit_ms"]["p50"] <= found["commit_ms"]["p99"]
    for frame in found["conditions"]["money"]["charged_as_estimated"]:
        assert frame["tinybar"] == frame["estimated"] > 0


@pytest.mark.long
def test_the_benchmark_of_flights_runs_and_tells_each_bound() -> None:
    command = [sys.executable, "-m", "benchmarks.flights", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])["by_max_flights"]
    assert found.keys() == {"4", "8"}
    assert all(told["flights_per_s"] > 0 < told["peak_mb"] for told in found.values())
