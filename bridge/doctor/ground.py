"""What the checks stand on: the configuration, the mirrors, the clock, and the database for reading only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bridge import migrations
from bridge.config import Config
from bridge.config_sections import Database
from bridge.engines import kind_of
from bridge.errors import Unavailable
from topics.errors import TopicsError
from topics.errors import Unavailable as RemoteUnavailable
from topics.mirror.rest import Mirror

T = TypeVar("T")

SHARES_OF_TIME = 5
"""One request to a remote gets this part of a check's time: a check has room for some requests and another try."""
SEE_DATABASE = "see the line about the database"


@dataclass(frozen=True, slots=True)
class Ground:
    """`mirrors` in the order of `mirror.urls`, impatient ones; `now_ns` is this machine's clock."""

    config: Config
    mirrors: Sequence[Mirror]
    now_ns: Callable[[], int]

    @property
    def request_timeout_s(self) -> float:
        """For one request to a remote."""
        return self.config.doctor.timeout_s / SHARES_OF_TIME

    async def first(self, ask: Callable[[Mirror], Awaitable[T]]) -> T:
        """The first answer that one of the mirrors gives; all are asked. Raises the last TopicsError."""
        asked = [asyncio.ensure_future(ask(mirror)) for mirror in self.mirrors]
        failure: TopicsError = RemoteUnavailable("the mirror", "none is configured")
        try:
            for answer in asyncio.as_completed(asked):
                try:
                    return await answer
                except TopicsError as error:
                    failure = error
            raise failure
        finally:
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def look(self, work: Callable[[Connection], T]) -> T | None:
        """What `work` reads in the database; None where there is none yet, or one of another version's schema.

        Nothing is migrated or written (SQLite may leave its empty -wal and -shm), and a daemon that runs on it isn't
        disturbed. Raises Unavailable.
        """

        def at_head(connection: Connection) -> T | None:
            return work(connection) if migrations.revision_of(connection) == migrations.revisions()[0] else None

        return await self.look_at_any(at_head)

    async def look_at_any(self, work: Callable[[Connection], T]) -> T | None:
        """The same, of whatever version its schema is."""
        return await apart(partial(_look, self.config.database, self.request_timeout_s, work))


async def apart(work: Callable[[], T]) -> T:
    """Run `work` in a thread that neither the loop nor the process's end waits for: a dead disk may never answer."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def hand_over(result: T | None, error: BaseException | None) -> None:
        if done.done():  # nobody waits any more
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type] # without an error there is a result, which may be None

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 # it is raised where it is waited for
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(hand_over, result, failure)

    Thread(target=run, name="doctor", daemon=True).start()
    return await done


def _look(section: Database, timeout_s: float, work: Callable[[Connection], T]) -> T | None:
    if not kind_of(section).exists(section):
        return None
    engine = kind_of(section).reading(section, timeout_s=timeout_s)
    try:
        with engine.connect() as connection:
            return work(connection)
    except DBAPIError as error:
        raise Unavailable("the database", str(error.orig), hint=SEE_DATABASE) from error
    finally:
        engine.dispose()
