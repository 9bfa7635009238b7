"""Composition root: opens the storage, has every room built and joined, and runs what this node does."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from bridge.config import Config
from bridge.config_sections.machine import ROLES
from bridge.descriptors import Shortage
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.house import built
from bridge.log import get_logger
from bridge.loops import loops_of
from bridge.neighbours import is_alone
from bridge.protocol.values import JSON
from bridge.publish import id_records
from bridge.relay.same_network import check_same_network
from bridge.reloading import Reloading
from bridge.remotes import Remotes, connected
from bridge.storage import Storage, opened
from bridge.supervise import stop_signal, supervised
from bridge.systemd import Service

log = get_logger(__name__)

NOBODY = Service()


@dataclass(frozen=True, slots=True)
class Bridge:
    """A running bridge: where its doors are."""

    http_url: str
    gateway_url: str


async def serve(config: Config, unit: Service = NOBODY, read: Callable[[], Config] | None = None) -> None:
    """Run the daemon until SIGTERM or SIGINT, then drain. A loop that falls comes out as an ExceptionGroup.

    At SIGHUP it takes what can be taken of the configuration that `read` gets.
    """
    asyncio.get_running_loop().set_exception_handler(Shortage())
    async with running(config, unit=unit, read=read) as bridge:
        gc.freeze()  # what is here stays: a collection that looks through all of it holds up every request meanwhile
        log.info("ready", http=bridge.http_url, gateway=bridge.gateway_url, network=config.network.name)
        unit.tell("READY=1")
        await stop_signal()
        log.info("stopping")
        unit.tell("STOPPING=1", "STATUS=lets clients go and flights settle")


@asynccontextmanager
async def running(
    config: Config,
    *,
    unit: Service = NOBODY,
    page_data: Callable[[], JSON] | None = None,
    read: Callable[[], Config] | None = None,
) -> AsyncIterator[Bridge]:
    """The whole bridge beside the block: it listens when the block begins, and has drained when the block was left.

    Raises ConfigInvalid, DatabaseHeld, AddressUnusable.
    """
    if is_alone(config) and {*config.daemon.roles} != {*ROLES}:
        rule = "must be all of them: SQLite's file has one daemon; put state into PostgreSQL for several"
        raise ConfigInvalid([ConfigProblem("configuration", "daemon.roles", ",".join(config.daemon.roles), rule)])
    alone = is_alone(config)
    async with opened(config, alone=alone, shared=not alone) as storage, _reached(storage) as remotes:
        await check_same_network(storage.database, remotes.mirror)
        house = await built(storage, remotes, page_data)
        loops = loops_of(house, unit)
        if read is not None:
            loops["reload"] = Reloading(config, read, house.out, house.front, unit).run
        await house.front.start(unit.sockets, gateway="gateway" in config.daemon.roles)
        async with supervised(loops):
            yield Bridge(*house.front.urls(config))
            await house.front.api.stop()  # with it the gateway's clients leave, streams and sockets in one spread
            await house.out.submitter.drain()


@asynccontextmanager
async def _reached(storage: Storage) -> AsyncIterator[Remotes]:
    """The network, under ids that go on from those on record."""
    database, account = storage.database, storage.config.operator.account
    last_ns = await database.read(lambda c: id_records.last_valid_start_ns(c, account))
    is_taken = partial(id_records.is_recorded, database.engine)
    async with connected(storage.config, last_valid_start_ns=last_ns, is_taken=is_taken) as remotes:
        yield remotes
