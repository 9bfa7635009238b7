"""check-config: everything at once, for people and for scripts."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

from bridge.commands.checking import check
from bridge.config import Config
from bridge.demo.keys import make_demo_keys

SHIPPED = Path(__file__).parents[3] / "config.toml"


def environment(directory: Path) -> dict[str, str]:
    (directory / "operator.key").write_text(secrets.token_hex(32) + "\n")
    (directory / "operator.key").chmod(0o600)
    make_demo_keys(directory)
    return {
        "HCS_BRIDGE_OPERATOR__KEY_FILE": f"{directory}/operator.key",
        "HCS_BRIDGE_KEYS__MASTER_KEY_FILE": f"{directory}/master.key",
        "HCS_BRIDGE_KEYS__SIGNING_KEY_FILE": f"{directory}/signing.key",
        "HCS_BRIDGE_HTTP__API_KEYS": f'[{{"name": "a", "key_file": "{directory}/api.key"}}]',
        "HCS_BRIDGE_TOKENS__ISSUERS": f'[{{"name": "a", "algorithm": "HS256", "key_file": "{directory}/token.key"}}]',
    }


def test_a_good_configuration_is_summed_up(tmp_path: Path) -> None:
    text, code = check(SHIPPED, environment(tmp_path), as_json=False)
    assert code == 0
    assert "network devnet" in text
    assert f"database {Path.cwd()}/var/hcs-bridge.db" in text  # the whole path: a slash too few shows
    assert json.loads(check(SHIPPED, environment(tmp_path), as_json=True)[0]) == {"ok": True, "problems": []}


def test_three_mistakes_are_all_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[http]\nport = -1\nprot = 2\n[relay]\nexpire_s = 0\n")
    text, code = check(path, {}, as_json=False)
    assert code == 2
    assert "check-config" not in text  # that is what was run
    for key in ("http.port = -1", "http.prot = 2", "relay.expire_s = 0"):
        assert f"{path}: {key}: " in text
    problems = json.loads(check(path, {}, as_json=True)[0])["problems"]
    assert [set(problem) for problem in problems] == [{"source", "key", "value", "rule"}] * 3


def test_key_files_are_read_too(tmp_path: Path, config: Config) -> None:
    environ = environment(tmp_path)
    (tmp_path / "master.key").chmod(0o644)
    (tmp_path / "api.key").unlink()
    text, code = check(SHIPPED, environ, as_json=False)
    assert code == 2
    assert f"chmod 600 {config.keys.master_key_file}" in text
    assert "api.key: does not exist" in text


@pytest.mark.parametrize("name", ["operator", "master", "signing"])
def test_what_is_no_key_is_told_before_a_start(tmp_path: Path, name: str) -> None:
    environ = environment(tmp_path)
    (tmp_path / f"{name}.key").write_text("deadbeef\n")
    text, code = check(SHIPPED, environ, as_json=False)
    assert (code, f"{name}.key" in text, "deadbeef" in text) == (2, True, False)
