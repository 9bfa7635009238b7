"""What is shipped and printed: units that systemd takes, and finds closed, and the configuration to begin with."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.commands.shipped import DEFAULTS, UNITS
from bridge.config import Config, load
from tests.integration.world import COMMAND

DEPLOY = Path(__file__).parents[3] / "deploy"
EXPOSURE = 1.5
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze: install Debian's package systemd")


def printed(*options: str) -> str:
    return subprocess.run([COMMAND, "systemd-unit", *options], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def units(tmp_path: Path) -> Path:
    (tmp_path / "hcs-bridge.service").write_text(printed())
    (tmp_path / "hcs-bridge.socket").write_text(printed("--socket"))
    return tmp_path


def test_it_names_the_command_that_prints_it_and_is_what_deploy_holds() -> None:
    assert f"ExecStart={COMMAND} serve\n" in printed()
    for name in ("hcs-bridge.service", "hcs-bridge.socket"):
        assert (DEPLOY / name).read_text() == (UNITS / name).read_text()


@needs_systemd
def test_systemd_takes_both(units: Path) -> None:
    assert ANALYZE
    names = ["./hcs-bridge.service", "./hcs-bridge.socket"]
    done = subprocess.run([ANALYZE, "verify", *names], cwd=units, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_little_of_the_machine_is_open_to_it(units: Path) -> None:
    assert ANALYZE
    command = [ANALYZE, "security", "--offline=true", "--no-pager", "./hcs-bridge.service"]
    done = subprocess.run(command, cwd=units, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for hcs-bridge.service: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSURE


def test_the_configuration_is_the_file_in_the_checkout_and_all_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(subprocess.run([COMMAND, "default-config"], capture_output=True, check=True).stdout)
    assert path.read_bytes() == (Path(__file__).parents[3] / "config.toml").read_bytes() == DEFAULTS.read_bytes()
    assert load(path, {}) == Config()


def test_whoever_is_refused_is_told_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[http]\nprot = 1\n")
    done = subprocess.run([COMMAND, "check-config", "-c", path], capture_output=True, text=True, check=False)
    assert (done.returncode, "did you mean http.port?" in done.stderr) == (2, True)
    assert "`hcs-bridge default-config` says of each key what it takes" in done.stderr
