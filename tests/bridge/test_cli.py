"""The command line as a person or a script meets it: help, exit codes, one readable line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from bridge.cli import main
from bridge.demo.keys import make_demo_keys

VERBS = (
    "serve",
    "devnet",
    "demo",
    "topic",
    "outbox",
    "publish",
    "tail",
    "token",
    "check-config",
    "verify",
    "export",
    "version",
)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to stand in, without a configuration, and nothing of it in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("HCS_BRIDGE_CONFIG", "HCS_BRIDGE_TOKEN", "PORT", "DATABASE_URL", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    code = ended.value.code
    return code if isinstance(code, int) else 0


def configured(directory: Path, text: str = "") -> str:
    """A configuration with all the keys that the commands read, at its usual place."""
    make_demo_keys(directory / "var/devnet")
    path = directory / "config.toml"
    path.write_text(text)
    return str(path)


def test_help_names_every_verb_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    assert all(verb in shown for verb in VERBS)
    assert "Exit codes: 0 done" in shown
    for verb in VERBS:
        assert run(verb, "--help") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",),
        ("publish",),
        ("devnet", "--port", "x"),
        ("tail", "campaign:1", "--since", "3"),
        ("tail", "foo"),
        ("tail", "foo", "--mirror"),
        ("tail", "topic:1", "--mirror"),
        ("publish", "no-such-file"),
        ("token", "--user", "7", "--ttl", "100000"),
    ],
    ids=" ".join,
)
def test_mistakes_of_usage_end_with_2(
    there: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    configured(there)
    assert run(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "verb", [("serve",), ("token", "--user", "7"), ("publish", "-"), ("tail", "user:1"), ("check-config",)]
)
def test_every_mistake_of_a_configuration_is_told_and_ends_with_2(
    there: Path, verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    configured(there, '[http]\nport = "x"\n[log]\nlevel = "loud"\n[gatewya]\n')
    assert run(*verb) == 2
    shown = capsys.readouterr().err
    assert all(f"config.toml: {key}" in shown for key in ("http.port", "log.level", "gatewya"))
    assert "Traceback" not in shown


def test_a_missing_configuration_is_told(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check-config", "--config", "none.toml") == 2
    assert "none.toml: does not exist" in capsys.readouterr().err


def test_a_configuration_that_is_named_for_the_demo_must_be_there(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("demo", "--once", "-c", "typo.toml") == 2
    assert "typo.toml: does not exist" in capsys.readouterr().err


def test_the_configuration_can_be_named_in_the_environment(
    there: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HCS_BRIDGE_CONFIG", "other.toml")
    assert run("check-config", "--json") == 2
    assert json.loads(capsys.readouterr().out)["problems"][0]["value"] == "other.toml"


def test_serve_refuses_demo_keys_on_a_real_network(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(there, '[network]\nname = "testnet"\n')
    assert run("serve") == 2
    assert "is a demo key, for the devnet only" in capsys.readouterr().err


def test_token_prints_the_token_and_nothing_else(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(there)
    assert run("token", "--user", "77", "--campaign", "1", "--campaign", "2", "--role", "admin") == 0
    out, err = capsys.readouterr()
    claims = jwt.decode(out.strip(), options={"verify_signature": False})
    assert (claims["id"], claims["campaigns"], claims["role"], err) == ("77", ["1", "2"], "admin", "")


def test_a_daemon_that_is_away_ends_publish_with_4(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(there)
    (there / "day.jsonl").write_text('{"event": "X"}\n')
    assert run("publish", "day.jsonl", "--url", "http://127.0.0.1:1", "--patience-s", "0") == 4
    assert "run the same command" in capsys.readouterr().err


def test_version_starts_quickly_and_imports_no_library_of_a_room() -> None:
    program = (
        "import sys; from bridge.cli import main\ntry: main(['version'])\nexcept SystemExit: print(sorted(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert shown.startswith("hcs-bridge ")
    for library in ("grpc", "aiohttp", "sqlalchemy", "cryptography", "websockets"):
        assert f"'{library}'" not in shown
