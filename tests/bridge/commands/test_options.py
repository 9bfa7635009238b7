"""The options that verbs share: a configuration is read with the environment around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.commands.exits import CommandFailed
from bridge.commands.options import be_sure, loaded
from bridge.demo.keys import make_demo_keys
from bridge.errors import ConfigInvalid


def test_the_configuration_that_is_named_with_the_environment_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_demo_keys(tmp_path / "var/devnet")
    path = tmp_path / "config.toml"
    path.write_text("[http]\nport = 1234\n")
    assert loaded(path).http.port == 1234
    monkeypatch.setenv("HCS_BRIDGE_HTTP__PORT", "4321")
    assert loaded(path).http.port == 4321
    with pytest.raises(ConfigInvalid):
        loaded(tmp_path / "nowhere.toml")


def test_what_an_option_says_is_not_called_the_environments(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    with pytest.raises(ConfigInvalid, match=r"^command line: daemon\.roles\.0 = 'foo'"):
        loaded(tmp_path / "config.toml", {"HCS_BRIDGE_DAEMON__ROLES": '["foo"]'})


def test_nobody_is_asked_who_said_yes_or_isnt_there() -> None:
    be_sure("For good?", yes=True, hint="")
    with pytest.raises(CommandFailed, match="nobody is there") as caught:  # a test's input is no terminal
        be_sure("For good?", yes=False, hint="say --yes")
    assert caught.value.hint == "say --yes"
