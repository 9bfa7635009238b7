"""What tests anywhere may ask for, and which database they run on."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from bridge.log import QUIET

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


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A test that sets logging up leaves none: at debug, a database library tells every row in all tests behind it."""
    loggers = [logging.getLogger(name) for name in (None, *QUIET)]
    before = [(logger, logger.handlers[:], logger.level) for logger in loggers]
    configured = structlog.get_config()
    yield
    for logger, handlers, level in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
    structlog.configure(**configured)
