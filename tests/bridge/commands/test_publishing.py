"""Around the publisher: the file, the outcome, and how to resume."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from bridge.commands.exits import UNREACHABLE, USAGE, CommandFailed
from bridge.commands.publish import RefusedLine, Summary
from bridge.commands.publishing import Outcome, publish_file
from bridge.config import Config
from tests.bridge.commands.stand_ins import ScriptedDoor, listening


async def publish(config: Config, file: str, url: str) -> Outcome:
    return await publish_file(config, file, label="", url=url, patience_s=0, quiet=True)


async def test_a_file_and_standard_input_are_published(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n')
    door = ScriptedDoor(lambda _: (202, {"ids": []}, {}))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    async with listening(door) as url:
        assert (await publish(config, str(path), url)).summary.accepted == 2
        assert (await publish(config, "-", url)).summary.accepted == 2
    assert len({headers["Idempotency-Key"] for headers, _ in door.requests}) == 1


async def test_a_daemon_that_stays_away_is_told_with_how_to_resume(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(b'{"a": 1}\n')
    with pytest.raises(CommandFailed) as caught:
        await publish(config, str(path), "http://127.0.0.1:1")
    assert caught.value.code == UNREACHABLE
    assert "run the same command" in caught.value.hint


async def test_a_missing_file_is_a_mistake_of_usage(config: Config, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="can't be read") as caught:
        await publish(config, str(tmp_path / "none"), "http://127.0.0.1:1")
    assert caught.value.code == USAGE


def test_the_outcome_is_told_to_people_and_to_scripts() -> None:
    outcome = Outcome(Summary(5, [RefusedLine(3, ("x: y",))]), 1.25)
    assert outcome.as_text() == "5 accepted, 1 refused, 1.2 s"
    expected = {"accepted": 5, "refused": [{"line": 3, "reasons": ["x: y"]}], "elapsed_s": 1.25}
    assert json.loads(outcome.as_json()) == expected
