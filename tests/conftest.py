"""What tests anywhere may ask for, and which database they run on."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.servers"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test` runs the tests of the stores a second time with it."""
    parser.addoption("--postgresql", action="store_true", help="run on PostgreSQL what runs on SQLite otherwise")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of SQLite's own behaviour have nothing to say about a server."""
    if config.getoption("--postgresql"):
        for item in items:
            if item.get_closest_marker("sqlite"):
                item.add_marker(pytest.mark.skip(reason="it is about SQLite's own file"))
