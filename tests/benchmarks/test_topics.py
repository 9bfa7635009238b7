"""The benchmark of many topics, in small: that it runs, loses and doubles nothing, and asks little of the mirror."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.world import world
from topics.devnet.settings import DevnetSettings

ROOT = Path(__file__).parents[2]
TOPICS, AWAKE, SECONDS = 200, 10, 3


async def test_topics_that_are_awake_lose_and_double_nothing_and_ask_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT))  # the benchmarks are run from the checkout, and not installed
    topics, daemon = importlib.import_module("benchmarks.topics"), importlib.import_module("benchmarks._world").World
    settings = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, mirror_max_requests_per_s=50)
    shipped = {"mirror__poll_interval_s": 0.5, "mirror__max_requests_per_s": 40, "topics__creations_per_s": 1000}
    async with world(tmp_path, settings, **shipped) as made:
        await made.start()
        assert made.daemon is not None
        run = daemon(made.config, made.daemon.pid)
        assert [*await topics.fill(run, tmp_path, 2 * AWAKE)][-1] == 2 * AWAKE
        found = await topics.listened(run, topics.Scale(awake=AWAKE, seconds=1), streams=True)
        assert await made.stop() == 0
    assert (found["sent"], found["lost"], found["doubled"]) == (AWAKE, 0, 0)
    assert found["answered_429"] == 0
    assert found["requests_per_s"] < 10


@pytest.mark.long
def test_it_runs_and_tells_everything() -> None:
    scale = f"--topics {TOPICS} --awake {AWAKE} --seconds {SECONDS} --asleep-seconds {SECONDS}".split()
    command = [sys.executable, "-m", "benchmarks.topics", "--json", *scale]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    told = found["conditions"]
    assert (found["lost"], found["doubled"]) == (0, 0)
    assert told["awake"]["sent"] == told["rest_only"]["sent"] == AWAKE * SECONDS
    assert told["awake"]["answered_429"] == told["rest_only"]["answered_429"] == 0
    assert str(TOPICS) in told["memory"]["mb_by_topics"]
    assert isinstance(found["kb_per_sleeping_topic"], float)
    # Two sweeps a second, and one more at the edges of so short a time.
    assert found["requests_per_s_awake"] < 10
    assert found["requests_per_s_asleep"] <= 2 + 1 / SECONDS
    for lag_s in ("lag_s", "lag_s_rest_only"):
        assert 0 <= found[lag_s]["p50"] <= found[lag_s]["p99"]
