"""The benchmark of the inbound corridor, in small: that it runs, reads all there is, and tells what it should."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_it_reads_all_of_a_backlog_and_tells_each_step() -> None:
    command = [sys.executable, "-m", "benchmarks.tail", "--topics", "3", "--each", "110", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == {
        "messages_per_core_s",
        "messages_per_core_s_signatures",
        "us_per_message",
        "conditions",
    }
    assert found["us_per_message"].keys() == {"fetch", "verify", "open", "store", "hub"}
    assert found["conditions"]["messages"] == 333
    assert found["messages_per_core_s"] > 0
    assert found["messages_per_core_s_signatures"] > 0
