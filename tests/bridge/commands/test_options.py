"""The options that verbs share: a configuration is read with the environment around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.commands.options import loaded
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
