"""What the tests of commands share: a configuration with keys of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import Config
from bridge.demo.keys import make_demo_keys
from bridge.demo.setting import demo_config
from topics.values import AccountId


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """All that a daemon or a command needs, with keys made now, and addresses where nobody is."""
    make_demo_keys(tmp_path)
    return demo_config(
        None,
        tmp_path,
        nodes={AccountId(0, 0, 3): "127.0.0.1:1"},
        mirror_url="http://127.0.0.1:1",
        operator=AccountId(0, 0, 1001),
    )
