"""The demo, once and without its delays: every event goes the whole way, and the numbers agree."""

from __future__ import annotations

import json

import pytest

from bridge.commands.demo import Options, run_demo

QUICK = Options(consensus_ms=0, mirror_ms=0, campaigns=3, rate=200, once=True, as_json=True)
KEYS = {
    "accepted",
    "confirmed",
    "relayed",
    "verified",
    "duplicates",
    "gaps",
    "topics",
    "hbar",
    "usd",
    "provisional_ms",
    "confirmed_ms",
}


async def test_once_ends_with_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    await run_demo(QUICK, None)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told) >= KEYS
    assert told["accepted"] > 50
    assert told["accepted"] == told["confirmed"] == told["relayed"] == told["verified"]
    assert (told["duplicates"], told["gaps"]) == (0, 0)
    assert told["topics"] == 4  # one for each campaign, and the one for users
    assert told["hbar"] > 0
    assert told["usd"] > 0
    for name in ("provisional_ms", "confirmed_ms"):
        assert 0 <= told[name]["p50"] <= told[name]["p99"]
