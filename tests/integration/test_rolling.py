"""Daemons behind nginx are restarted one by one, under load: nobody is left behind, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Protocol

import aiohttp
import pytest

from bridge.app import running
from bridge.config import Config, load
from bridge.demo.setting import environment
from tests.doc_blocks import blocks
from tests.integration.chaos import NETWORK
from tests.integration.day_sent import DaySent, heard_id
from tests.integration.proxies import NGINX, SHIPPED, nginx
from tests.integration.subscriber import Subscriber, subscribed
from tests.integration.world import SEES_ALL, World, quiet_port, until, world

ROLES = (("ingest", "publish", "relay"), ("ingest", "gateway"), ("ingest", "gateway"))
"""In the order in which docs/operate.md has them restarted."""
CAMPAIGNS = ("1", "2")
LINES = [
    {"event": "CAMPAIGN_CLOSED", "to": None, "campaignId": campaign, "payload": {"campaignId": campaign, "message": ""}}
    for campaign in CAMPAIGNS
]
QUICK: dict[str, Any] = {
    "gateway__trusted_proxies": ["127.0.0.1/32"],
    "gateway__drain_timeout_s": 0.3,
    "lease__ttl_s": 3.0,
}

pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx: install Debian's package nginx-light")


class Daemon(Protocol):
    """Started again and again; `stop` gives its exit code."""

    async def start(self) -> None: ...

    async def stop(self) -> int: ...


class InProcess:
    """A daemon in this process: what `serve` runs between its start and SIGTERM."""

    def __init__(self, config: Config) -> None:
        self._config = config

    async def start(self) -> None:
        """It listens when this is over."""
        listens, self._stop = asyncio.Event(), asyncio.Event()
        self._life = asyncio.create_task(self._run(listens))
        ready = asyncio.create_task(listens.wait())
        await asyncio.wait((ready, self._life), return_when=asyncio.FIRST_COMPLETED)
        if self._life.done():
            ready.cancel()
            await self._life

    async def stop(self) -> int:
        """It has drained when this is over."""
        self._stop.set()
        await self._life
        return 0

    async def _run(self, listens: asyncio.Event) -> None:
        async with running(self._config):
            listens.set()
            await self._stop.wait()


@asynccontextmanager
async def neighbours(folder: Path, url: str, redis: str) -> AsyncIterator[list[World]]:
    """One world for each daemon, on the same network, database and bus."""
    async with world(folder, NETWORK, database__url=url, bus__url=redis, **QUICK) as made, AsyncExitStack() as stack:
        worlds = []
        for number, roles in enumerate(ROLES):
            own = {"daemon.number": number, "daemon.roles": roles}
            environ = dict(made.environ) | environment(own | {"http.port": quiet_port(), "gateway.port": quiet_port()})
            place = folder / f"daemon-{number}"
            place.mkdir()
            shutil.copy(folder / "api.key", place)
            (place / "config.toml").write_text("")
            each = replace(made, folder=place, config=load(None, environ), environ=environ, commands=[])
            stack.push_async_callback(each.close)
            worlds.append(each)
        yield worlds


def two_gateways(worlds: Sequence[World]) -> str:
    """deploy/nginx.conf with the upstreams of docs/operate.md, and where these worlds' gateways are."""
    (upstreams,) = [each.text for each in blocks("operate.md") if each.language == "nginx"]  # ```nginx
    for number, each in enumerate(worlds, 1):
        for port, ours in ((8781, each.config.gateway.port), (8780, each.config.http.port)):
            assert f"10.0.0.{number}:{port}" in upstreams
            upstreams = upstreams.replace(f"10.0.0.{number}:{port}", f"127.0.0.1:{ours}")
    shipped = SHIPPED.read_text()
    without, replaced = re.subn(r"upstream (\w+) \{[^}]*\}\n", "", shipped)
    assert replaced == upstreams.count("upstream ")
    return upstreams + without


async def posts_reach_their_stream(host: str, token: str) -> None:
    """What a client without a WebSocket posts comes to the daemon that has its stream, not to the other one."""
    url = f"http://{host}/bridge"
    async with aiohttp.ClientSession() as session:
        connect = json.dumps({"id": 1, "connect": {"token": token}})
        async with session.post(f"{url}/connection/http_stream", data=connect) as stream:
            secret = json.loads(await stream.content.readline())["connect"]["session"]
            for number in (2, 3, 4, 5):
                posted = {"session": secret, "data": json.dumps({"id": number, "ping": {}})}
                async with session.post(f"{url}/emulation", json=posted) as answer:
                    assert answer.status == 204, await answer.text()


async def rolled(worlds: Sequence[World], daemons: Sequence[Daemon], *, clients: int, per_s: float) -> None:
    """Restart each of them once everybody has what was accepted so far; compare all that was accepted with what the
    ledger and every client have in the end.
    """
    random = Random(0)  # noqa: S311 # the same each time
    for each in daemons:
        await each.start()
    sent, stop = DaySent(lambda: random.choice(worlds), per_s, patience_s=5.0, lines=LINES), asyncio.Event()
    first = worlds[0]
    async with nginx(first, shipped=two_gateways(worlds[1:])) as host:
        socket, token = f"ws://{host}/bridge/connection/websocket", first.token("77", role=SEES_ALL)
        await posts_reach_their_stream(host, token)
        channels = [f"campaign:{campaign}" for campaign in CAMPAIGNS]
        subscribers = [
            Subscriber(socket, token, channels[number % len(channels)], random, hear=heard_id)
            for number in range(clients)
        ]

        async def all_have_it() -> None:
            await until(lambda: all(sent.accepted[channel] for channel in channels))
            wanted = {channel: len(sent.accepted[channel]) for channel in channels}
            await until(lambda: all(each.live and len(each.heard) >= wanted[each.channel] for each in subscribers))

        with subscribed(subscribers):
            publishing = asyncio.create_task(sent.publish(stop))
            for each in daemons:
                await all_have_it()
                assert await each.stop() == 0
                await each.start()
            stop.set()
            await publishing
            await all_have_it()
    assert all(each.recoveries for each in subscribers)  # each was at one of the gateways when that was restarted
    for each in daemons:
        assert await each.stop() == 0
    assert await sent.compared(first, subscribers) == {"lost": 0, "doubled": 0, "out_of_order": 0}
    assert [each.lost for each in subscribers if each.lost] == []


async def test_each_is_restarted_in_its_turn(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    async with neighbours(tmp_path, postgres_url, redis_url) as worlds:
        await rolled(worlds, [InProcess(each.config) for each in worlds], clients=30, per_s=60)


@pytest.mark.long
async def test_processes_are_restarted_by_sigterm(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    async with neighbours(tmp_path, postgres_url, redis_url) as worlds:
        await rolled(worlds, worlds, clients=60, per_s=50)
        assert all("Traceback" not in each.log for each in worlds)
