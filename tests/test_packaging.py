"""What is shipped: the wheel, from nothing to a service as docs/operate.md says; the lock file, and the manual."""

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
from tests.integration import debian

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
PUBLISHED = """hcs-bridge topic create 1234 --owner 77
    echo '{"event":"CAMPAIGN_CLOSED","campaignId":"1234","payload":{"campaignId":"1234"}}' | hcs-bridge publish -
    timeout 60 hcs-bridge tail campaign:1234 --mirror --count 1
    """
KILLED = """systemctl kill --signal KILL --kill-whom main hcs-bridge
    python3 -c 'from http.client import HTTPConnection as of
c = of("127.0.0.1", 8781); c.request("GET", "/"); assert c.getresponse().status == 404'
    """
STOPPED = """systemctl daemon-reload; systemctl restart hcs-bridge; before=$(systemctl show -P NRestarts hcs-bridge)
    systemctl kill --signal STOP --kill-whom main hcs-bridge
    while [ "$(systemctl show -P NRestarts hcs-bridge)" = "$before" ]; do sleep 0.2; done
    """
RESTORED = """hcs-bridge backup /root/backup
    systemctl stop hcs-bridge.socket hcs-bridge.service
    rm hcs-bridge.db*
    hcs-bridge restore /root/backup --settled
    systemctl start hcs-bridge.socket hcs-bridge.service
    """
IS_BACK = "timeout 60 bash -c 'until hcs-bridge status; do sleep 0.2; done'\n"
RELOADED = """systemctl reload hcs-bridge
    until journalctl -u hcs-bridge --no-pager -q -g 'configuration taken'; do sleep 0.2; done
    echo nonsense >> /etc/hcs-bridge/config.toml; systemctl reload hcs-bridge
    until journalctl -u hcs-bridge --no-pager -q -g 'configuration not taken'; do sleep 0.2; done
    systemctl is-active hcs-bridge; journalctl -u hcs-bridge --no-pager -o cat
    """
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


def block(heading: str, language: str, *, nth: int = 0) -> str:
    """One of a language below a heading of the operators' page."""
    section = (ROOT / "docs/operate.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return section.split(f"```{language}\n")[1 + nth].partition("```")[0]


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


@pytest.mark.long
@pytest.mark.skipif(debian.WHY_NOT != "", reason=debian.WHY_NOT)
def test_from_an_empty_debian_to_a_service_word_by_word(wheel: Path, tmp_path: Path) -> None:
    with debian.booted(tmp_path, wheel) as machine:
        home = machine.root / "root"
        assert "verified: " in machine.run(block("From nothing to a confirmed event", "sh"))

        # the same network once more, and a service as for testnet
        machine.run(
            "systemd-run --quiet --unit devnet --working-directory /root /root/hcs-bridge/bin/hcs-bridge devnet"
        )
        operator_key = (home / "var/devnet/operator.key").read_text()
        text = block("First topic on testnet", "toml").replace("testnet", "devnet").replace("0.0.1234567", "0.0.1001")
        (home / "config.toml").write_text(text)
        made = machine.run(". hcs-bridge/bin/activate\n" + block("First topic on testnet", "sh"), given=operator_key)
        assert "config.toml is fine: network devnet" in made
        machine.run(block("As a systemd service", "sh"))
        as_root = block("As a systemd service", "sh", nth=1)
        assert "ready" in machine.run(as_root)
        as_root = as_root.partition("hcs-bridge doctor")[0]
        assert machine.run("systemctl show -P StatusText hcs-bridge") == "well; lag 0 s; 0 clients\n"
        machine.run(as_root + PUBLISHED)

        # killed while somebody connects, and standing still
        machine.run(as_root + KILLED + IS_BACK)
        unit = machine.root / "etc/systemd/system/hcs-bridge.service.d"
        unit.mkdir()
        (unit / "soon.conf").write_text("[Service]\nWatchdogSec=5\n")
        machine.run(as_root + STOPPED + IS_BACK)
        assert "Watchdog timeout" in machine.run("journalctl -u hcs-bridge --no-pager")

        # put back from a backup, by root
        machine.run(as_root + RESTORED + IS_BACK)
        assert re.search(r"^verified: .* 1 events", machine.run(as_root + "hcs-bridge verify 1234"), re.MULTILINE)
        assert "root" not in machine.run("stat -c %U /var/lib/hcs-bridge/hcs-bridge.db*")

        # a good configuration is taken, a bad one refused, and nothing secret told
        journal = machine.run(RELOADED)
        assert "configuration not taken" in journal
        for path in (home / "keys").iterdir():
            assert path.read_text().split()[-1] not in journal
