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


async def publish(config: Config, file: str, url: str, label: str = "") -> Outcome:
    return await publish_file(config, file, label=label, url=url, patience_s=0, quiet=True)


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


async def test_a_file_and_standard_input_are_published(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n')
    door = ScriptedDoor(lambda _: (202, {"ids": []}, {}))
    stdin(monkeypatch, path.read_bytes())
    async with listening(door) as url:
        assert (await publish(config, str(path), url)).summary.accepted == 2
        assert (await publish(config, "-", url)).summary.accepted == 2
    assert {body for _, body in door.requests} == {b'[{"a": 1},{"a": 2}]'}


async def test_an_unchanged_file_is_known_again_but_a_line_echoed_twice_is_two_events(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(b'{"a": 1}\n')
    door = ScriptedDoor(lambda _: (202, {"ids": []}, {}))
    async with listening(door) as url:
        for file, label in [(str(path), ""), ("-", ""), ("-", "mine")] * 2:
            stdin(monkeypatch, path.read_bytes())
            await publish(config, file, url, label)
    keys = [headers["Idempotency-Key"] for headers, _ in door.requests]
    assert (keys[0], keys[2]) == (keys[3], keys[5])
    assert len(set(keys)) == 4


async def test_input_that_was_cut_off_resumes_under_the_label_it_is_told(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = ScriptedDoor(lambda _: (503, {}, {}))
    back = ScriptedDoor(lambda _: (202, {"ids": []}, {}))
    stdin(monkeypatch, b'{"a": 1}\n')
    async with listening(away) as url:
        with pytest.raises(CommandFailed) as caught:
            await publish(config, "-", url)
    _, _, told = caught.value.hint.partition("--again ")
    stdin(monkeypatch, b'{"a": 1}\n')
    async with listening(back) as url:
        await publish(config, "-", url, told.split()[0])
    assert back.requests[0][0]["Idempotency-Key"] == away.requests[0][0]["Idempotency-Key"]


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
