"""What is shipped: the wheel, from an empty folder to a confirmed event as docs/operate.md says; lock and manual."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bridge.demo.setting import free_port

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "deploy/requirements.lock").read_text()
INSIDE = (
    "bridge/commands/units/hcs-bridge.service",
    "bridge/commands/units/hcs-bridge.socket",
    "bridge/config.toml",
    "bridge/migrations/script.py.mako",
    "bridge/py.typed",
    "bridge/web/client/dist/hcs-bridge.js",
    "bridge/web/index.html",
    "bridge/web/vendor/centrifuge.js",
)
START_S = 300
COMMANDS = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def test_the_lock_is_what_pyproject_wants_by_hash_and_from_nowhere_in_particular() -> None:
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+) \\\n    --hash=sha256:", LOCK, re.MULTILINE))
    assert len(pinned) == len(re.findall(r"^[A-Za-z0-9]", LOCK, re.MULTILINE))
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement
    assert "://" not in LOCK
    assert not re.search(r"^\s*--(?!hash)|@ ", LOCK, re.MULTILINE)


def test_the_manual_page_is_what_the_commands_say() -> None:
    made = subprocess.run([sys.executable, ROOT / "deploy/make_man.py"], capture_output=True, text=True, check=True)
    assert made.stdout == (ROOT / "deploy/hcs-bridge.1").read_text(), "make man"


def test_a_shell_completes_the_verbs() -> None:
    """By what `--show-completion` prints, for the shell that asks."""
    script = """eval "$(hcs-bridge --show-completion)"; COMP_WORDS=(hcs-bridge check) COMP_CWORD=1
        _hcs_bridge_completion hcs-bridge; echo "${COMPREPLY[@]}"; _HCS_BRIDGE_COMPLETE=source_zsh hcs-bridge"""
    done = subprocess.run(
        ["bash", "-e", "-c", script], env=outside() | COMMANDS, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("check-config\n")
    assert "#compdef hcs-bridge" in done.stdout


def outside() -> dict[str, str]:
    """This environment without settings of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("HCS_", "VIRTUAL_", "PYTHON"))}


def block(heading: str, language: str) -> str:
    """The first of a language below a heading of the operators' page."""
    section = (ROOT / "docs/operate.md").read_text().partition(f"## {heading}\n")[2]
    return section.partition(f"```{language}\n")[2].partition("```")[0]


def test_keys_for_testnet_are_made_word_by_word(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(block("First topic on testnet", "toml"))
    script = ["bash", "-e", "-o", "pipefail", "-c", block("First topic on testnet", "sh")]
    key = f"{1:064x}\n"
    done = subprocess.run(
        script, cwd=tmp_path, env=outside() | COMMANDS, input=key, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "config.toml is fine: network testnet" in done.stdout
    assert len(bytes.fromhex((tmp_path / "bridge.pub").read_text())) == 32
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("keys/*.key")} == {0}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("bridge", "topics", "pyproject.toml", "config.toml", "README.md", "LICENSE"):
        subprocess.run(["cp", "-r", ROOT / name, folder], check=True)
    subprocess.run(["rm", "-rf", folder / "bridge/web/client/node_modules"], check=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", folder / "dist", folder], check=True)
    return next((folder / "dist").iterdir())


@pytest.mark.long
def test_the_wheel_has_all_that_runs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert set(INSIDE) <= names
    modules = {str(path.relative_to(ROOT)) for folder in ("bridge", "topics") for path in (ROOT / folder).rglob("*.py")}
    assert {name for name in modules if "node_modules" not in name} <= names
    assert not any(name.startswith(("tests", "benchmarks")) or "node_modules" in name for name in names)


@pytest.mark.long
def test_from_nothing_to_a_confirmed_event_word_by_word(wheel: Path, tmp_path: Path) -> None:
    script = block("From nothing to a confirmed event", "sh")
    (tmp_path / wheel.name).write_bytes(wheel.read_bytes())
    ports = {f"HCS_BRIDGE_{door}__PORT": str(free_port(0)) for door in ("HTTP", "GATEWAY")}
    whatever_ends_it = "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n"
    run = ["timeout", str(START_S), "bash", "-m", "-e", "-o", "pipefail", "-c", whatever_ends_it + script]
    done = subprocess.run(run, cwd=tmp_path, env=outside() | ports, capture_output=True, text=True, check=False)
    logs = "".join(log.read_text() for log in tmp_path.glob("*.log"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    assert re.search(r"^hcs-bridge \d", done.stdout, re.MULTILINE)
    assert "CAMPAIGN_CLOSED" in done.stdout
    assert re.search(r"^verified: .* 1 events", done.stdout, re.MULTILINE), done.stdout
