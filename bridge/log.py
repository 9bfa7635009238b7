"""Sets up logging once for the process: readable on a terminal, JSON otherwise, secrets blacked out."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bridge.config_sections import Log

REDACTED = "[redacted]"
SECRET_NAMES = frozenset(
    {
        "access_token",
        "api_key",
        "authorization",
        "cookie",
        "key",
        "master_key",
        "operator_key",
        "password",
        "payload",
        "private_key",
        "secret",
        "signing_key",
        "ticket",
        "token",
    }
)
TELL_ALL: Mapping[str, int] = dict.fromkeys(("websockets", "sqlalchemy", "alembic", "grpc"), logging.WARNING)
"""At debug they tell requests with tokens in them, and frames; rows with users' ids and keys; or only of themselves."""

QUIET: Mapping[str, int] = {
    **dict.fromkeys(("aiohttp.access", "asyncio", "sqlalchemy", "alembic", "websockets", "grpc"), logging.WARNING),
    "psycopg": logging.ERROR,  # its warnings are of what it could not tidy up behind an error that it also raises
}
"""From which level on libraries are told."""
SELDOM_S = 60.0


class Seldom:
    """For what strangers cause as often as they like: at most a line a minute for each reason, with how often it was.

    Reasons come from a small fixed set, never from what strangers send. `clock` is in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._untold: dict[str, int] = {}
        self._told_s: dict[str, float] = {}

    def due(self, reason: str) -> int:
        """It has happened; if a line is due, how often since the last one, this time included, else 0."""
        self._untold[reason] = self._untold.get(reason, 0) + 1
        now_s = self._clock()
        if now_s - self._told_s.get(reason, -SELDOM_S) < SELDOM_S:
            return 0
        self._told_s[reason] = now_s
        return self._untold.pop(reason)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a room, named after it: `log.info("topic created", topic_id=str(topic_id))`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def tells_details(name: str) -> bool:
    """Whether a room's debug lines are kept: for those that cost something to put together."""
    return logging.getLogger(name).isEnabledFor(logging.DEBUG)


def set_up(section: Log, stream: TextIO | None = None) -> None:
    """Send all logging of the process, also that of `topics` and of libraries, to `stream` (default: stderr)."""
    out = sys.stderr if stream is None else stream
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    _hand_on(*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter)
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_ending(section, out)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(section.level.upper())
    for name, level in QUIET.items():  # their info is our debug
        logging.getLogger(name).setLevel(logging.DEBUG if section.level == "debug" else level)
    if section.level == "debug":
        for name, level in TELL_ALL.items():
            logging.getLogger(name).setLevel(level)


def _hand_on(*processors: Processor) -> None:
    """What rooms log goes through these to the standard library's logging."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *processors],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # set_up may run again, in tests and on reload
    )


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Black out values whose name says that they are secret. A net below the rule not to log them at all."""
    for name in event:
        if name.lower() in SECRET_NAMES:
            event[name] = REDACTED
    return event


def _ending(section: Log, out: TextIO) -> list[Processor]:
    if section.format == "console" or (section.format == "auto" and out.isatty()):
        plain = structlog.dev.plain_traceback  # the rich one prints local variables: keys, payloads
        return [structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]


if not structlog.is_configured():
    # Until `set_up`, as in commands, warnings go to stderr: standard output, structlog's choice, is for their answers.
    _hand_on(redact, structlog.processors.KeyValueRenderer(key_order=["event"]))
