"""hcs-bridge doctor: a line for each check with what to do, and an exit code."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.commands.doctor import as_report, diagnose
from bridge.commands.exits import USAGE
from bridge.doctor.findings import ok, warning
from tests.integration.world import world
from topics.devnet.made_keys import make_ed25519


async def test_a_sound_bridge_passes_and_a_wrong_key_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with world(tmp_path) as made:
        code, out, err = await made.command("doctor")
        assert (code, err) == (0, "")
        assert "ok       operator account: 0.0.1001 has our key" in out
        assert not any(line.startswith("failed") for line in out.splitlines())
        (tmp_path / "operator.key").write_text(make_ed25519().private_der_hex)
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:  # in this process, and a loop of its own
            await asyncio.to_thread(main, ["doctor", "--json", "--config", str(tmp_path / "config.toml")])
        assert ended.value.code == 1
        out = capsys.readouterr().out
        report = json.loads(out)
        assert report["ok"] is False
        [wrong] = [each for each in report["checks"] if each["status"] == "failed"]
        assert wrong["name"] == "operator account"
        assert "operator.key_file" in wrong["hint"]
        assert made.devnet.operator_key not in out
        assert len(made.devnet.network.mirror.transactions()) == 0


def test_a_configuration_that_cannot_be_run_is_its_only_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[http]\nport = 'x'\n[doktor]\n")
    findings, code = diagnose(tmp_path / "config.toml", {})
    assert code == USAGE
    assert [each.name for each in findings] == ["configuration", "configuration"]
    assert "http.port" in str(findings)


def test_warnings_leave_the_report_ok() -> None:
    report = json.loads(as_report([ok("a", "fine"), warning("b", "so so", "look")]))
    assert report == {
        "ok": True,
        "checks": [
            {"name": "a", "status": "ok", "found": "fine", "hint": ""},
            {"name": "b", "status": "warning", "found": "so so", "hint": "look"},
        ],
    }
