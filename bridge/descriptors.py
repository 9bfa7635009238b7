"""File descriptors: the process takes as many as it may have, and says where those won't do for what is configured."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from typing import Any

from bridge.config import Config
from bridge.log import Seldom, get_logger

log = get_logger(__name__)

OWN = 256
"""For the database, nodes, mirrors, files and whatever else isn't a client."""
NONE_LEFT = (errno.EMFILE, errno.ENFILE)
HINT = "raise LimitNOFILE= in the service's unit (`ulimit -Hn` elsewhere), or lower gateway.max_connections"


def take_all(config: Config) -> None:
    """Raise the soft limit to the hard one, and warn where that is less than all connections may need."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = needed(config)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        log.warning("fewer file descriptors than connections may need", limit=hard, needed=wanted, hint=HINT)


def needed(config: Config) -> int:
    """When as many are connected as may be; an HTTP connection counts twice, under way and idle."""
    return config.gateway.max_connections + config.gateway.max_handshakes + 2 * config.http.max_connections + OWN


def any_left() -> bool:
    """Whether the process can open anything just now."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        if error.errno in NONE_LEFT:
            return False
        raise
    return True


class Shortage:
    """What the event loop is told to do with errors that nobody takes: a shortage is a line a minute, not a flood."""

    def __init__(self) -> None:
        self._seldom = Seldom()

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """asyncio's exception handler; the loop itself leaves a port alone for a second then."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in NONE_LEFT:
            loop.default_exception_handler(context)
        elif times := self._seldom.due("accept"):
            limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            log.error("no file descriptors left; who connects waits", limit=limit, times=times, hint=HINT)
