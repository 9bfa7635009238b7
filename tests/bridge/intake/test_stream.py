"""Entries of an application's stream come into the outbox once each, in their order, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.errors import Unavailable
from bridge.intake import stream
from bridge.intake.reader import Reader, State
from bridge.intake.stream import event_id_of
from bridge.supervise import supervised
from tests.bridge.intake.application import Application, Bridge, bridge_at
from tests.bridge.intake.shop import REFUSED, STREAM, Shop, reading, reading_under, run_out, settings
from tests.bridge.publish.killing import Axe, Killed
from tests.doc_blocks import blocks
from tests.rooms import until
from tests.servers import free_port, redis_server


@pytest.fixture
async def shop(redis_url: str) -> AsyncIterator[Shop]:
    shop = Shop(redis_url)
    yield shop
    await shop.redis.aclose()


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[Bridge]:
    async with bridge_at(tmp_path, Application("postgresql://nobody@127.0.0.1:1/nothing")) as bridge:
        yield bridge


async def test_entries_come_in_under_an_id_that_is_theirs_for_ever(shop: Shop, bridge: Bridge) -> None:
    ids = await shop.write("one", "two")
    await run_out(shop, reading(shop, bridge))
    events = await bridge.events()
    assert [event.id for event in events] == [event_id_of("shop/changes", each).bytes for each in ids]
    assert await bridge.said() == ["one", "two"]
    first = event_id_of("shop/changes", "1700000000000-3")
    assert (first.version, first.int >> 80) == (7, 1_700_000_000_000)
    assert first != event_id_of("shop/changes", "1700000000000-4") != event_id_of("shop/others", "1700000000000-4")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_step_each_entry_comes_once_in_its_order(shop: Shop, bridge: Bridge, after: bool) -> None:
    for number in range(8):
        await shop.write(f"{number} a", f"{number} b")
        with pytest.raises(Killed):
            await reading_under(shop, bridge, Axe(number + 1, after)).run()
    await run_out(shop, reading(shop, bridge))
    assert await bridge.said() == [f"{number} {which}" for number in range(8) for which in "ab"]


async def test_cancelled_at_any_moment_each_entry_comes_once(shop: Shop, bridge: Bridge) -> None:
    for number in range(20):
        reader = reading(shop, bridge, lock_s=0.2)
        task = asyncio.create_task(reader.run())
        await until(lambda reader=reader: reader.state is State.READING)  # type: ignore[misc]
        await shop.write(str(number))
        await asyncio.sleep(number * 0.0003)  # somewhere between its coming and its acknowledgement
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await run_out(shop, reading(shop, bridge))
    assert await bridge.said() == [str(number) for number in range(20)]


async def test_of_two_bridges_one_reads_and_the_other_goes_on_when_it_stands_still(shop: Shop, bridge: Bridge) -> None:
    first, second = reading(shop, bridge, lock_s=0.3), reading(shop, bridge, lock_s=0.3)
    own = settings(shop.url, lock_s=0.3)
    async with stream.opened(own) as frozen:
        assert await frozen.alone()
        await shop.write("read and not taken")
        offers = await frozen.offers()
        async with supervised({"first": first.run, "second": second.run}):
            await until(lambda: {first.state, second.state} == {State.READING, State.STANDBY})
            await shop.write("behind it")
            await until(shop.is_done)
            with pytest.raises(Unavailable, match="another bridge reads it now"):
                await frozen.offers()
            await frozen.settle([*offers], {})
    assert await bridge.said() == ["read and not taken", "behind it"]


async def test_garbage_is_put_aside_with_the_reason_and_holds_up_nothing(shop: Shop, bridge: Bridge) -> None:
    garbage: list[tuple[dict[Any, Any], str]] = [
        ({"nonsense": "1"}, "nonsense: is not one of"),
        ({"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": "{"}, "payload: "),
        ({"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": "{}", "to_user": "5"}, "to_user: is not one of"),
        ({"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": "{}", "at": "noon"}, "at: must be ISO 8601"),
        ({"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": "{}", "owner": ""}, "owner: "),
        ({"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": b'{"message": "\xff"}'}, "must be UTF-8"),
        ({"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": "x" * 100_000}, "is 100038 bytes long"),
        ({f"field {number}": "" for number in range(20_000)}, "more than 16 fields"),
    ]
    ids = [await shop.redis.xadd(STREAM, fields) for fields, _ in garbage]
    await shop.write("well")
    with capture_logs() as logs:
        await run_out(shop, reading(shop, bridge))
    assert await bridge.said() == ["well"]
    refused = await shop.refused()
    assert [each["entry"] for each in refused] == ids
    for each, (_, reason) in zip(refused, garbage, strict=True):
        assert reason in each["refused"]
    assert refused[0]["nonsense"] == "1"
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == [
        "intake refuses some: what is kept of them says why"
    ]


async def test_what_is_kept_of_garbage_is_bounded(shop: Shop, bridge: Bridge) -> None:
    for _ in range(400):
        await shop.redis.xadd(STREAM, {"nonsense": "1"})
    await run_out(shop, reading(shop, bridge, keep_refused=100))
    assert await shop.redis.xlen(REFUSED) < 300  # the server trims whole nodes of a hundred


async def test_an_entry_that_was_trimmed_before_it_was_taken_is_told(shop: Shop, bridge: Bridge) -> None:
    async with stream.opened(settings(shop.url)) as source:
        assert await source.alone()
        await shop.write("gone", "kept")
        assert len(await source.offers()) == 2
    await shop.redis.xtrim(STREAM, maxlen=1, approximate=False)
    await run_out(shop, reading(shop, bridge))
    assert await bridge.said() == ["kept"]
    assert ["trimmed" in each["refused"] for each in await shop.refused()] == [True]


async def test_redis_goes_and_comes_back(tmp_path: Path, bridge: Bridge) -> None:
    """With what it had, as one that keeps it on disk."""
    port, kept = free_port(), ("--appendonly", "yes", "--appendfsync", "always")
    with ExitStack() as life, capture_logs() as logs:
        url = life.enter_context(redis_server(tmp_path, *kept, port=port))
        shop = Shop(url)
        reader = reading(shop, bridge)
        async with supervised({"reader": reader.run}):
            await shop.write("before")
            await until(bridge_has(bridge, ["before"]))
            life.close()
            await until(lambda: reader.state is State.AWAY)
            with redis_server(tmp_path, *kept, port=port):
                await until(lambda: reader.state is State.READING)
                again = Shop(url)
                await again.write("after")
                await until(bridge_has(bridge, ["before", "after"]))
                for each in (shop, again):
                    await each.redis.aclose()
    away = [entry for entry in logs if entry["event"] == "intake waits"]
    assert len(away) == 1
    assert "ingest.redis 'shop'" in away[0]["reason"]


def bridge_has(bridge: Bridge, said: Sequence[str]) -> Any:
    async def has() -> bool:
        return await bridge.said() == list(said)

    return has


async def test_the_page_does_what_it_says(shop: Shop, bridge: Bridge) -> None:
    place = shop.url.partition("//")[2]
    port = place.rpartition(":")[2].partition("/")[0]
    for each in blocks("ingest-redis.md"):
        if each.language == "sh":
            words = ["/bin/sh", "-c", each.text.replace("redis-cli", f"redis-cli -p {port}")]
            await asyncio.to_thread(subprocess.run, words, check=True, capture_output=True)
    await shop.redis.xadd(STREAM, {"nonsense": "1"})
    own = settings(f"redis://bridge:password@{place}")
    await run_out(shop, Reader(own, partial(bridge.backend.take, source="shop"), partial(stream.opened, own)))
    assert await bridge.said() == ["all rewards are paid"]
    assert len(await shop.refused()) == 1


async def test_a_reader_that_begins_behind_the_last_entry_waits_for_the_next(shop: Shop, bridge: Bridge) -> None:
    await shop.write("one", "two")
    await run_out(shop, reading(shop, bridge))
    async with stream.opened(settings(shop.url)) as source:
        await until(source.alone)
        assert await source.offers() == {}
        began_s = time.monotonic()
        await source.news(0.2)
        assert time.monotonic() - began_s >= 0.2
        hearing = asyncio.create_task(source.news(60.0))
        await shop.write("three")
        await hearing
        assert len(await source.offers()) == 1


async def test_one_that_stops_lets_another_read_at_once(shop: Shop, bridge: Bridge) -> None:
    for number in range(3):
        async with supervised({"reader": (reader := reading(shop, bridge, lock_s=600.0)).run}):
            await until(lambda reader=reader: reader.state is State.READING)  # type: ignore[misc]
            await shop.write(str(number))
            await until(shop.is_done)
    assert await bridge.said() == ["0", "1", "2"]
