"""The database with the keys that open it: what every way of running the bridge begins with."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial

from bridge import migrations, settings
from bridge.config import Config
from bridge.database import Database
from bridge.desk.resealing import reseal_at_once
from bridge.engines import kind_of, unavailable
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.keys.at_rest import AtRest
from bridge.keys.load import BridgeKeys, load_keys
from bridge.keys.master import master_in_force
from bridge.keys.ring import STORE, KeyRing
from bridge.protocol.door.catalogue import Catalogue, DeclaredEvent, catalogue_with
from bridge.relay.store import Store
from topics.network_time import elapsed_ns


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


@asynccontextmanager
async def opened(config: Config, *, alone: bool) -> AsyncIterator[Storage]:
    """Open the database at its newest schema, bound to the network; `alone` takes it for this process.

    Raises ConfigInvalid, DatabaseHeld, Unavailable, SealBroken (another master key than the one it was written with).
    """
    keys = load_keys(config.keys)
    with closing(kind_of(config.database).hold(config.database)) if alone else nullcontext():
        database = Database(config.database)
        try:
            with unavailable():
                migrations.upgrade(database.engine, may_change=config.database.upgrade_at_start)
                with database.engine.begin() as connection:
                    if alone:
                        settings.refuse_copy(connection)
                        if database.kind.LOCK_MAY_GO:
                            settings.hold(connection, holder := os.urandom(16).hex())
                            database.guard(partial(settings.refuse_other, holder))
                    settings.claim(
                        connection, network=config.network.name, generation=os.urandom(8).hex(), now_ns=time.time_ns()
                    )
                    keys = replace(keys, master=master_in_force(connection, keys.master))
                    ring = KeyRing(keys.master, max_cached=config.keys.max_cached)
                    ring.ensure(connection, STORE, now_ms=now_ms())
                    at_rest = AtRest(*ring.all_of(connection, STORE))
                if alone:
                    reseal_at_once(database, at_rest, ring)
            catalogue = catalogue_of(config)
            yield Storage(config, keys, database, ring, at_rest, catalogue, Store(at_rest, catalogue.data_type))
        finally:
            await database.close()


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
