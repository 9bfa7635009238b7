"""What the verbs of `hcs-bridge keys` take, and what they ask before they destroy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.commands import keys
from bridge.commands.auditing import given_key
from bridge.commands.exits import CommandFailed
from bridge.commands.keys import keys_app
from bridge.config import Config
from bridge.keys.load import load_keys

RUN = CliRunner()


@pytest.fixture
def environ(config: Config, tmp_path: Path) -> dict[str, str]:
    """Where the test's keys and its database are; nobody listens at the doors."""
    return {
        "HCS_BRIDGE_CONFIG": str(write(tmp_path, "")),
        "HCS_BRIDGE_KEYS__MASTER_KEY_FILE": str(config.keys.master_key_file),
        "HCS_BRIDGE_KEYS__SIGNING_KEY_FILE": str(config.keys.signing_key_file),
        "HCS_BRIDGE_KEYS__RECOVERY_PUBLIC_KEY_FILE": str(tmp_path / "recovery.pub"),
        "HCS_BRIDGE_DATABASE__URL": config.database.url,
    }


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "config.toml").write_text(text)
    return tmp_path / "config.toml"


def said(environ: dict[str, str], *arguments: str) -> str:
    result = RUN.invoke(keys_app, arguments, env=environ, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_life_of_keys(environ: dict[str, str], tmp_path: Path) -> None:
    """Made, saved, listed, put back."""
    with pytest.raises(CommandFailed, match="are there already"):
        said(environ, "init")
    fresh = environ | {"HCS_BRIDGE_KEYS__MASTER_KEY_FILE": str(tmp_path / "other.key")}
    assert json.loads(said(fresh, "init", "--json")) == [str(tmp_path / "other.key")]
    private = said(environ, "recovery-init").strip()
    assert len(bytes.fromhex(private)) == 32
    (tmp_path / "private").write_text(private)
    (tmp_path / "private").chmod(0o600)
    assert [row["owner"] for row in json.loads(said(environ, "list", "--json"))] == ["store"]
    assert "store" in said(environ, "list")
    file = str(tmp_path / "saved")
    assert said(environ, "backup", file) == f"0 keys saved in {file}\n"
    assert said(environ, "restore", file, "--recovery-key", str(tmp_path / "private")) == "0 keys put back\n"


def test_the_public_key_to_pin_is_printed_alone(environ: dict[str, str], config: Config, tmp_path: Path) -> None:
    (tmp_path / "bridge.pub").write_text(said(environ, "public"))
    assert given_key(str(tmp_path / "bridge.pub")) == load_keys(config.keys).public


@pytest.mark.parametrize(
    "arguments", [("rotate",), ("rotate", "1", "--user", "7"), ("list", "--campaign", "1", "--user", "7"), ("shred",)]
)
def test_one_owner_is_named(environ: dict[str, str], arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandFailed, match="name either a campaign or a --user"):
        said(environ, *arguments)


def test_nothing_is_destroyed_before_the_id_was_typed(environ: dict[str, str]) -> None:
    with pytest.raises(CommandFailed, match="nobody is there to be asked") as refused:
        said(environ, "shred", "--user", "7")
    assert refused.value.hint == "say --yes 7 to do it unasked"
    with pytest.raises(CommandFailed, match="that is not the user's id: nothing was destroyed"):
        said(environ, "shred", "--user", "7", "--yes", "8")


def test_it_is_typed_at_a_terminal(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked: list[str] = []

    def prompt(question: str, **_: object) -> str:
        asked.append(question)
        return "8"

    monkeypatch.setattr("typer.prompt", prompt)
    with pytest.raises(CommandFailed, match="nothing was destroyed"):
        keys._be_certain("user", "7", None)
    assert "Type the user's id" in asked[0]
    keys._be_certain("user", "8", None)
