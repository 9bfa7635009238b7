"""An application with a table of the documented layout in its PostgreSQL, and a bridge that is to take its rows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import select

from bridge.config_sections import DeclaredEvent
from bridge.doors import Backend
from bridge.fanout import only_here
from bridge.gateway.hub import Hub
from bridge.intake import postgres
from bridge.intake.reader import Reader, Take
from bridge.intake.settings import SourceSettings
from bridge.protocol.values import JSON, Event
from bridge.publish.bodies import open_element
from bridge.remotes import connected
from bridge.rooms import outbound
from bridge.schema import entries
from bridge.storage import Storage, opened
from bridge.supervise import supervised
from tests.bridge.publish.killing import Axe
from tests.integration.world import world
from tests.rooms import until

TABLE = """
CREATE SCHEMA hcs_bridge;
CREATE FUNCTION hcs_bridge.new_id() RETURNS uuid LANGUAGE sql AS $$ SELECT encode(set_bit(set_bit(
  overlay(uuid_send(gen_random_uuid()) PLACING substring(
    int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
  $$;
CREATE TABLE hcs_bridge.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL UNIQUE DEFAULT hcs_bridge.new_id(),
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  event text NOT NULL, campaign text, owner text, to_user text, payload jsonb NOT NULL, refused text);
CREATE FUNCTION hcs_bridge.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY hcs_bridge; RETURN NULL; END $$;
CREATE TRIGGER tell AFTER INSERT ON hcs_bridge.outbox FOR EACH STATEMENT EXECUTE FUNCTION hcs_bridge.tell();
"""
INSERT = """
INSERT INTO hcs_bridge.outbox (event, campaign, owner, to_user, payload) VALUES (%s, %s, %s, %s, %s)
RETURNING id, event_id
"""


STEPS = ("alone", "offers", "settle", "news")
"""What a reader does with the application's database."""


@dataclass(frozen=True, slots=True)
class Application:
    """Whose rows they are."""

    url: str

    async def connect(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        """A session that commits by itself outside `transaction()`."""
        return await psycopg.AsyncConnection.connect(self.url, autocommit=True)

    async def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database answers."""
        async with await self.connect() as session:
            found = await session.execute(sql.encode(), values or None)
            return [] if found.description is None else await found.fetchall()

    async def write(self, *messages: str, campaign: str = "1", owner: str | None = "77") -> list[UUID]:
        """Close the campaign with each of the messages, in one transaction; the rows' event ids."""
        async with await self.connect() as session, session.transaction():
            return [(await closing(session, message, campaign, owner))[1] for message in messages]

    async def left(self) -> list[tuple[int, str | None]]:
        """The rows that are still there: id, and why it was refused."""
        return [(id_, why) for id_, why in await self.ask("SELECT id, refused FROM hcs_bridge.outbox ORDER BY id")]

    async def is_empty(self) -> bool:
        """Whether no row is left."""
        return await self.left() == []


async def run_out(application: Application, *readers: Reader) -> None:
    """Until the application's table is empty."""
    async with supervised({f"reader {number}": reader.run for number, reader in enumerate(readers)}):
        await until(application.is_empty)


async def closing(
    session: psycopg.AsyncConnection[tuple[Any, ...]], message: str, campaign: str = "1", owner: str | None = "77"
) -> tuple[int, UUID]:
    """Insert one row: its id, and its event's."""
    payload = json.dumps({"campaignId": campaign, "message": message})
    [(id_, event_id)] = await (
        await session.execute(INSERT, ("CAMPAIGN_CLOSED", campaign, owner, None, payload))
    ).fetchall()
    return id_, event_id


@dataclass
class Bridge:
    """What a daemon would be, as far as this door goes; nothing is submitted."""

    storage: Storage
    hub: Hub
    backend: Backend
    settings: SourceSettings
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = self.reading()

    @property
    def take(self) -> Take:
        """The door."""
        return partial(self.backend.take, source=self.settings.name)

    def reading(
        self,
        take: Take | None = None,
        opened: Callable[[SourceSettings], AbstractAsyncContextManager[Any]] = postgres.opened,
    ) -> Reader:
        """A reader that has not begun."""
        return Reader(self.settings, take or self.take, partial(opened, self.settings))

    def reading_under(self, axe: Axe) -> Reader:
        """A reader that ends at one of its steps."""

        @asynccontextmanager
        async def under(settings: SourceSettings) -> AsyncIterator[Any]:
            async with postgres.opened(settings) as source:
                yield SimpleNamespace(**{name: axe.around(getattr(source, name)) for name in STEPS})

        return self.reading(axe.around(self.take), under)

    async def events(self) -> list[Event]:
        """The outbox, in the order of acceptance."""
        of_all = select(entries.c.event_id, entries.c.body).order_by(entries.c.id)
        rows = await self.storage.database.read(lambda c: c.execute(of_all).all())
        found = [open_element(self.storage.at_rest, row.event_id, row.body) for row in rows]
        return [event for event in found if isinstance(event, Event)]

    async def said(self) -> list[JSON]:
        """The messages of the events, in the order of acceptance."""
        return [event.data["message"] for event in await self.events()]


@asynccontextmanager
async def bridge_at(
    folder: Path, application: Application, declared: Sequence[DeclaredEvent] = (), **keys: Any
) -> AsyncIterator[Bridge]:
    """A bridge, its database's writer going."""
    async with (
        world(folder, events__declared=[each.model_dump() for each in declared]) as made,
        opened(made.config, alone=True) as storage,
        connected(made.config, last_valid_start_ns=0) as remotes,
        supervised({"database": storage.database.run}),
    ):
        hub = Hub(later=lambda flush: flush())
        rooms = outbound(storage, remotes, reject=_nobody)
        settings = SourceSettings("shop", application.url, **{"poll_interval_s": 0.05, "reconnect_max_s": 0.1, **keys})
        yield Bridge(storage, hub, Backend(storage, rooms, only_here(hub), rooms.submitter.wake), settings)


async def _nobody(_entries: Sequence[object], _reason: str) -> None:
    raise AssertionError("nothing is submitted here")
