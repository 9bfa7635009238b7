"""Two daemons on one PostgreSQL: what is accepted at one comes out at both, once, with Redis or without."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bridge.app import running
from bridge.config import Config
from bridge.config_sections import Bus, Daemon
from bridge.errors import ConfigInvalid, DatabaseHeld
from bridge.neighbours import bus_of
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.world import World, world
from tests.rooms import until
from tests.servers import free_port, redis_server

ANSWER_S = 20.0
STATUS = {"event": "CAMPAIGN_STATUS_UPDATE", "campaignId": "1"}


def changed(config: Config, section: str, **keys: Any) -> Config:
    return config.model_copy(update={section: getattr(config, section).model_copy(update=keys)})


@dataclass
class Two:
    """`all_roles` is the daemon that also publishes and relays; `outer` has only doors. Each with a subscriber."""

    all_roles: World
    outer: World

    async def post(self, world: World, number: int) -> str:
        """An event of the campaign, at that daemon's door; its id."""
        change = STATUS | {"payload": {"campaignId": "1", "newStatus": "CampaignRunning", "progressPercentage": number}}
        status, answer = await world.post("/v1/events", change)
        assert status == 202, answer
        found: str = answer["ids"][0]
        return found


@asynccontextmanager
async def two(folder: Path, url: str, redis: str = "") -> AsyncIterator[Two]:
    quick = {"poll_interval_s": 0.1, "timeout_s": 0.6, "reconnect_max_s": 0.2, "answer_timeout_s": ANSWER_S}
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(world(folder, http__port=0, gateway__port=0))
        config = changed(changed(made.config, "database", url=url), "bus", url=redis, **quick)
        worlds = []
        for number, roles in enumerate((("ingest", "publish", "relay", "gateway"), ("ingest", "gateway"))):
            own = changed(config, "daemon", number=number, roles=roles)
            for door in ("http", "gateway"):
                own = changed(own, door, port=free_port())
            await stack.enter_async_context(running(own))
            worlds.append(replace(made, config=own))
        for each in worlds:
            await until(partial(hears, each))
        yield Two(*worlds)


@asynccontextmanager
async def subscribed(world: World, *channels: str, user: str = "77") -> AsyncIterator[WireClient]:
    async with WireClient(world.gateway) as client:
        await client.ask(connect={"token": world.token(user)})
        for channel in channels:
            await client.ask(subscribe={"channel": channel})
        yield client


async def heard(client: WireClient, wanted: list[str], *, phase: str) -> list[str]:
    """The ids of what came in that phase until all that are wanted did, in order."""
    ids: list[str] = []
    async with asyncio.timeout(30):
        while not {*wanted} <= {*ids}:
            meta = (await client.hear())["push"]["pub"]["data"]["meta"]
            ids += [meta["id"]] if meta["phase"] == phase else []
    return ids


async def test_over_the_bus_everything_comes_out_at_both(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    async with two(tmp_path, postgres_url, redis_url) as both:
        assert (await both.outer.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
        async with (
            subscribed(both.all_roles, "campaign:1") as at_first,
            subscribed(both.outer, "campaign:1") as at_second,
        ):
            provisional = await both.post(both.outer, 0)
            for client in (at_first, at_second):
                assert await heard(client, [provisional], phase="provisional") == [provisional]
            ids = [await both.post(each, number) for number, each in enumerate((both.outer, both.all_roles) * 5)]
            for client in (at_first, at_second):
                assert sorted(await heard(client, [provisional, *ids], phase="confirmed")) == sorted(
                    [provisional, *ids]
                )


async def test_without_a_bus_the_database_is_enough(tmp_path: Path, postgres_url: str) -> None:
    async with two(tmp_path, postgres_url) as both:
        assert (await both.outer.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
        async with subscribed(both.outer, "campaign:1") as client:
            ids = [await both.post(both.outer, number) for number in range(5)]
            assert await heard(client, ids, phase="confirmed") == ids


async def test_a_bus_that_goes_and_comes_back_loses_nothing(tmp_path: Path, postgres_url: str) -> None:
    port = free_port()
    with ExitStack() as first:
        redis = first.enter_context(redis_server(tmp_path, port=port))
        async with two(tmp_path, postgres_url, redis) as both:
            assert (await both.outer.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
            async with subscribed(both.outer, "campaign:1") as client:

                async def three_come_through() -> None:
                    ids = [await both.post(both.outer, number) for number in range(3)]
                    assert await heard(client, ids, phase="confirmed") == ids

                await three_come_through()
                assert await degraded(both.outer) == []
                first.close()
                await three_come_through()
                assert await degraded(both.outer) == ["bus"]
                with redis_server(tmp_path, port=port):
                    await three_come_through()


async def hears(world: World) -> bool:
    """Whether the bus works there, if there is one."""
    return "bus" not in await degraded(world)


async def degraded(world: World) -> list[str]:
    found: list[str] = (await world.get("/readyz"))[1]["degraded"]
    return found


@pytest.mark.parametrize("bus", [True, False])
async def test_who_is_sent_away_at_one_is_sent_away_at_both(
    tmp_path: Path, postgres_url: str, redis_url: str, bus: bool
) -> None:
    async with (
        two(tmp_path, postgres_url, redis_url if bus else "") as both,
        subscribed(both.outer) as client,
        subscribed(both.outer, user="78") as bystander,
    ):
        assert (await both.all_roles.post("/v1/disconnect", {"user": "77"}))[0] == 200
        async with asyncio.timeout(20):
            assert await client.closed() == 3503
        assert "error" not in await bystander.ask(history={"channel": "user:78"})


async def pushed(client: WireClient, kind: str) -> dict[str, Any]:
    """What the next push of that kind says."""
    async with asyncio.timeout(20):
        while kind not in (push := (await client.hear())["push"]):
            pass
    said: dict[str, Any] = push[kind]
    return said


async def test_who_is_there_is_asked_of_both(tmp_path: Path, postgres_url: str) -> None:
    channel, path = "campaign:1", "/v1/channels/campaign:1/presence"
    with ExitStack() as servers:
        redis = servers.enter_context(redis_server(tmp_path))
        async with two(tmp_path, postgres_url, redis) as both:
            assert (await both.outer.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
            async with subscribed(both.all_roles) as first, subscribed(both.outer) as second:
                await first.ask(subscribe={"channel": channel, "join_leave": True})
                own = (await pushed(first, "join"))["info"]["client"]
                await second.ask(subscribe={"channel": channel})
                other = (await pushed(first, "join"))["info"]
                everybody = {own: "77", other["client"]: "77"}
                for client, daemon in ((first, both.all_roles), (second, both.outer)):
                    present = (await client.ask(presence={"channel": channel}))["presence"]["presence"]
                    assert {each: info["user"] for each, info in present.items()} == everybody
                    stats = (await client.ask(presence_stats={"channel": channel}))["presence_stats"]
                    assert stats == {"num_clients": 2, "num_users": 1}
                    answer = {"clients": everybody, "numClients": 2, "numUsers": 1}
                    assert await daemon.get(path) == (200, answer)
                await second.ask(unsubscribe={"channel": channel})
                assert (await pushed(first, "leave"))["info"] == other
                await second.ask(subscribe={"channel": channel})
                servers.close()
                await until(partial(degraded, both.all_roles))
                async with asyncio.timeout(ANSWER_S / 2):  # nobody is waited for
                    assert (await both.all_roles.get(path))[1]["clients"] == {own: "77"}


async def test_what_is_asked_of_a_users_clients_is_done_at_both(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    async with two(tmp_path, postgres_url, redis_url) as both:
        assert (await both.outer.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
        async with (
            subscribed(both.outer, "campaign:1") as client,
            subscribed(both.outer, user="78") as bystander,
        ):
            order = {"user": "77", "channel": "campaign:1"}
            assert await both.all_roles.post("/v1/unsubscribe", order) == (200, {"unsubscribed": 0})
            assert (await pushed(client, "unsubscribe"))["code"] == 2000
            assert await both.all_roles.post("/v1/refresh", {"user": "77"}) == (200, {"refreshed": 0})
            async with asyncio.timeout(20):
                assert await client.closed() == 3005
            assert "error" not in await bystander.ask(history={"channel": "user:78"})


async def test_each_daemon_has_a_number_of_its_own(tmp_path: Path, postgres_url: str) -> None:
    async with two(tmp_path, postgres_url) as both:
        third = changed(both.all_roles.config, "daemon", number=1)
        for door in ("http", "gateway"):
            third = changed(third, door, port=free_port())
        with pytest.raises(DatabaseHeld, match=r"daemon\.number 1"):
            async with running(third):
                pass


def test_a_bus_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    monkeypatch.delitem(sys.modules, "bridge.bus.redis", raising=False)
    with pytest.raises(ConfigInvalid, match=r"hcs-bridge\[redis\]"):
        bus_of(Config(bus=Bus(url="redis://127.0.0.1:6379")))


async def test_on_sqlite_there_is_one_daemon(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        with pytest.raises(ConfigInvalid, match=r"daemon\.roles"):
            async with running(changed(made.config, "daemon", roles=("gateway",))):
                pass


def test_what_was_sent_and_what_comes_out_are_settled_in_one_process() -> None:
    with pytest.raises(ValueError, match="publish and relay both"):
        Daemon(roles=("publish", "gateway"))
    assert Bus().url == ""
