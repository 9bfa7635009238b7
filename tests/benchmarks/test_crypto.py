"""The benchmark of sealing runs, tells everything, and what it promises of sizes holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_sizes_hold_and_everything_is_told() -> None:
    command = [sys.executable, "-m", "benchmarks.crypto", "--json", "--rounds", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["overhead_bytes_campaign_event"] <= 150
    assert found["overhead_bytes_user_event"] <= 200
    assert found["payload_bytes_in_1024"] >= 850
    assert found["day_bytes_per_event"] > found["conditions"]["cbor_bytes_per_event"]
    assert found["us"].keys() == {"seal", "open", "sign", "verify"}
    assert all(times.keys() == {"1", "10", "100"} for times in found["us"].values())
    for guess in found["conditions"]["guessed_from_length"].values():
        assert guess["commonest"] <= guess["from_length"] <= 1
