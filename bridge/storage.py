"""The database with the keys that open it: what every way of running the bridge begins with."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from bridge import migrations, settings
from bridge.config import Config
from bridge.database import Database, Work
from bridge.desk.resealing import reseal_at_once
from bridge.engines import kind_of, unavailable
from bridge.errors import ConfigInvalid, ConfigProblem, DatabaseHeld, Unavailable
from bridge.keys.at_rest import AtRest
from bridge.keys.load import BridgeKeys, load_keys
from bridge.keys.master import master_in_force
from bridge.keys.ring import STORE, KeyRing
from bridge.leases import Leases
from bridge.log import get_logger
from bridge.protocol.door.catalogue import Catalogue, DeclaredEvent, catalogue_with
from bridge.relay.store import Store
from topics.network_time import elapsed_ns

T = TypeVar("T")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Storage:
    """An open database and its keys. Reading works at once; writing needs `database.run()` beside it."""

    config: Config
    keys: BridgeKeys
    database: Database
    ring: KeyRing
    at_rest: AtRest
    catalogue: Catalogue
    store: Store
    leases: Leases


@asynccontextmanager
async def opened(config: Config, *, alone: bool, shared: bool = False) -> AsyncIterator[Storage]:
    """Open the database at its newest schema, bound to the network; `alone` takes it for this process.

    `shared`: this is one of several daemons there, by its number. Whoever is neither may look, and write what comes in.
    Raises ConfigInvalid, DatabaseHeld, Unavailable, SealBroken (another master key than the one it was written with).
    """
    keys, catalogue = load_keys(config.keys), catalogue_of(config)
    with _held(config, alone=alone, shared=shared):
        database = Database(config.database)
        carries = "publish" in config.daemon.roles
        leases = Leases(config.lease, database.kind.now_ms, number=config.daemon.number, carries=carries)
        try:
            with unavailable():
                with database.kind.in_turn(database.engine):
                    may_change = config.database.upgrade_at_start
                    upgrade = partial(migrations.upgrade, database.engine, may_change=may_change)
                    before, _ = database.despite_conflicts(upgrade)
                    begin = partial(_begin, config, keys, leases, alone=alone, shared=shared)
                    keys, ring, at_rest = _written(database, begin)
                if before is None:
                    log.info("database made, there was none", place=database.kind.place(config.database))
                if alone:
                    reseal_at_once(database, at_rest, ring)
            if database.kind.LOCK_MAY_GO:
                database.guard(leases.refuse_lost)
            store = Store(at_rest, catalogue.data_type)
            try:
                yield Storage(config, keys, database, ring, at_rest, catalogue, store, leases)
            finally:
                if (alone or shared) and database.kind.LOCK_MAY_GO:
                    await asyncio.to_thread(_leave, database, leases)
        finally:
            await database.close()


def _begin(
    config: Config, keys: BridgeKeys, leases: Leases, connection: Connection, *, alone: bool, shared: bool
) -> tuple[BridgeKeys, KeyRing, AtRest]:
    """Be there; the keys as the database has them."""
    if alone or shared:
        settings.refuse_copy(connection)
    settings.claim(connection, network=config.network.name, generation=os.urandom(8).hex(), now_ns=time.time_ns())
    settings.bind_signer(connection, keys.public.hex())
    if alone:
        leases.take_all(connection)
    elif shared:
        leases.enter(connection)  # where the keys are read: they don't change while others are there
    keys = replace(keys, master=master_in_force(connection, keys.master))
    ring = KeyRing(keys.master, max_cached=config.keys.max_cached)
    ring.ensure(connection, STORE, now_ms=now_ms())
    return keys, ring, AtRest(*ring.all_of(connection, STORE))


def _held(config: Config, *, alone: bool, shared: bool) -> AbstractContextManager[object]:
    """Taken, until the block ends. Raises DatabaseHeld, Unavailable."""
    if not (alone or shared):
        return nullcontext()
    return closing(kind_of(config.database).hold(config.database, daemon=None if alone else config.daemon.number))


def _leave(database: Database, leases: Leases) -> None:
    """So that others needn't wait; what can't be given back now runs out by itself."""
    with suppress(Unavailable, DatabaseHeld):
        _written(database, leases.leave)


def _written(database: Database, work: Work[T]) -> T:
    """As `Database.write` does, before that runs, or after."""

    def transact() -> T:
        with database.engine.begin() as connection:
            return work(connection)

    return database.despite_conflicts(transact)


def catalogue_of(config: Config) -> Catalogue:
    """The built-in events and the declared ones. Raises ConfigInvalid."""
    declared = [DeclaredEvent(event.name, event.type, event.fields, event.to) for event in config.events.declared]
    try:
        return catalogue_with(declared)
    except ValueError as error:
        raise ConfigInvalid([ConfigProblem("configuration", "events.declared", "", str(error))]) from error


def now_ms() -> int:
    """The time of day in milliseconds."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Milliseconds for durations: they pass whatever the time of day is set to."""
    return elapsed_ns() // 1_000_000
