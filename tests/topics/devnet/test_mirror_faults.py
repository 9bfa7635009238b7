"""What a mirror that fails shows to its clients, by REST and by streams."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import grpc
import pytest

from tests.topics.devnet.running import get, running
from tests.topics.devnet.streams import Response, Writer, connected, is_silent, read, rest
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault, Field, Side
from topics.values import NANOS, TopicId, parse_timestamp

NOON_NS = 1_700_000_000 * NANOS


async def shown(devnet: Devnet, topic_id: TopicId, query: str = "", mirror: int = 0) -> list[int]:
    """The sequence numbers on a page."""
    _, page, _ = await get(f"{devnet.mirrors[mirror].rest.url}/api/v1/topics/{topic_id}/messages?{query}")
    return [row["sequence_number"] for row in page["messages"]]


async def status(devnet: Devnet, path: str = "/blocks") -> tuple[int, str | None]:
    """Status and Retry-After."""
    async with aiohttp.ClientSession() as session, session.get(f"{devnet.mirror_url}/api/v1{path}") as answer:
        if answer.status != 200:
            assert (await answer.json())["_status"]["messages"][0]["message"]
        return answer.status, answer.headers.get("Retry-After")


async def ending(call: grpc.aio.UnaryStreamCall[Any, Response]) -> tuple[int, str]:
    """How many messages a stream gave, and the status that it ended with."""
    count = 0
    try:
        while isinstance(await call.read(), Response):
            count += 1
    except grpc.aio.AioRpcError as error:
        return count, error.code().name
    return count, "OK"


async def test_a_storm_of_429_and_a_dead_database() -> None:
    async with running() as devnet:
        devnet.faults.inject(Fault.MIRROR_TOO_MANY_REQUESTS, times=1, retry_after_s=7)
        devnet.faults.inject(Fault.MIRROR_UNAVAILABLE, times=1, topic=TopicId(0, 0, 7))
        assert [await status(devnet) for _ in range(2)] == [(429, "7"), (200, None)]
        assert [await status(devnet, "/topics/0.0.7/messages") for _ in range(2)] == [(503, None), (200, None)]
        devnet.faults.inject(Fault.MIRROR_TOO_MANY_REQUESTS, times=1)
        assert await status(devnet) == (429, None)
        assert devnet.mirrors[0].rest.requests == 5


async def test_a_mirror_answers_so_many_requests_a_second() -> None:
    now = [NOON_NS]
    async with running(mirror_max_requests_per_s=3, clock=lambda: now[0]) as devnet:
        assert [(await status(devnet))[0] for _ in range(5)] == [200, 200, 200, 429, 429]
        now[0] += NANOS // 2
        assert [(await status(devnet))[0] for _ in range(2)] == [200, 429]


async def test_pages_that_lead_astray() -> None:
    async with running() as devnet:
        topic_id = await Writer(devnet).topic(3)
        path = f"/api/v1/topics/{topic_id}/messages?limit=2"
        devnet.faults.inject(Fault.PAGE_EMPTY, times=1)
        _, page, _ = await get(devnet.mirror_url + path)
        assert page == {"messages": [], "links": {"next": path}}
        devnet.faults.inject(Fault.PAGE_REPEATS, times=1)
        _, page, _ = await get(devnet.mirror_url + path)
        assert (len(page["messages"]), page["links"]["next"]) == (2, path)
        _, page, _ = await get(devnet.mirror_url + path)
        assert await shown(devnet, topic_id, page["links"]["next"].partition("?")[2]) == [3]


async def test_a_mirror_that_lags_is_late_on_every_page() -> None:
    now = [NOON_NS]
    async with running(clock=lambda: now[0]) as devnet:
        writer = Writer(devnet)
        topic_id = await writer.topic(1)
        now[0] += 60 * NANOS
        writer.client.ground.now_ns = now[0]
        await writer.write(topic_id, b"late")
        api = f"{devnet.mirror_url}/api/v1"
        transactions = f"{api}/transactions?account.id={writer.client.payer}"
        _, everything, _ = await get(transactions)
        newest = f"/transactions/{everything['transactions'][0]['transaction_id']}"
        assert (await shown(devnet, topic_id), (await status(devnet, newest))[0]) == ([1, 2], 200)
        devnet.faults.inject(Fault.MIRROR_LAG, lag_s=5)
        assert (await shown(devnet, topic_id), (await status(devnet, newest))[0]) == ([1], 404)
        _, page, _ = await get(transactions)
        assert page["transactions"] == everything["transactions"][1:]
        _, blocks, _ = await get(f"{api}/blocks?limit=1")
        assert parse_timestamp(blocks["blocks"][0]["timestamp"]["to"]) <= now[0] - 5 * NANOS
        now[0] += 6 * NANOS
        assert await shown(devnet, topic_id) == [1, 2]


async def test_a_frozen_mirror_answers_and_learns_nothing() -> None:
    async with running() as devnet:
        writer = Writer(devnet)
        topic_id = await writer.topic(2)
        devnet.faults.inject(Fault.MIRROR_FREEZE)
        await writer.write(topic_id, b"3")
        created = await writer.topic()
        assert await shown(devnet, topic_id) == [1, 2]
        assert (await status(devnet, f"/topics/{created}"))[0] == 404
        async with connected(devnet.mirror_grpc_address) as connection:
            assert (await connection.refusal(created))[0] == "NOT_FOUND"
            stream = connection.subscribe(topic_id)
            assert [each.sequenceNumber for each in await read(stream, 2)] == [1, 2]
            devnet.faults.clear()
            assert [each.sequenceNumber for each in await read(stream, 1)] == [3]
        assert await shown(devnet, topic_id) == [1, 2, 3]


async def test_one_topic_on_one_side_only() -> None:
    async with running() as devnet:
        writer = Writer(devnet)
        late, other = await writer.topic(1), await writer.topic(1)
        devnet.faults.inject(Fault.MIRROR_LAG, lag_s=60, topic=late, side=Side.REST)
        assert (await shown(devnet, late), await shown(devnet, other)) == ([], [1])
        async with connected(devnet.mirror_grpc_address) as connection:
            assert len(await read(connection.subscribe(late), 1)) == 1
            devnet.faults.clear()
            devnet.faults.inject(Fault.MIRROR_LAG, lag_s=60, times=1)
            assert (await connection.refusal(late))[0] == "NOT_FOUND"
        # A stream looks as often as it likes: what is counted is requests.
        assert [await shown(devnet, late) for _ in range(2)] == [[], [1]]


async def test_replicas_answer_in_turn_and_a_stream_stays_with_its_own() -> None:
    now = [NOON_NS]
    async with running(clock=lambda: now[0]) as devnet:
        writer = Writer(devnet)
        topic_id = await writer.topic(1)
        now[0] += 60 * NANOS
        writer.client.ground.now_ns = now[0]
        await writer.write(topic_id, b"new")
        devnet.faults.inject(Fault.MIRROR_REPLICAS, lag_s=30)
        assert [await shown(devnet, topic_id) for _ in range(4)] == [[1, 2], [1], [1, 2], [1]]
        async with connected(devnet.mirror_grpc_address) as connection:
            await read(connection.subscribe(topic_id), 2)
            late = connection.subscribe(topic_id)
            await read(late, 1)
            waiting = asyncio.create_task(read(late, 1))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            now[0] += 31 * NANOS
            assert [each.sequenceNumber for each in await waiting] == [2]


async def test_messages_are_lied_about_on_both_sides() -> None:
    async with running() as devnet:
        writer = Writer(devnet)
        topic_id, other = await writer.topic(3), await writer.topic(3)
        devnet.faults.inject(Fault.MESSAGE_DROPPED, topic=topic_id, sequence=2)
        devnet.faults.inject(Fault.MESSAGE_ALTERED, topic=topic_id, sequence=3, field=Field.MESSAGE)
        assert (await shown(devnet, topic_id), await shown(devnet, other)) == ([1, 3], [1, 2, 3])
        assert (await status(devnet, f"/topics/{topic_id}/messages/2"))[0] == 404
        _, three, _ = await get(f"{devnet.mirror_url}/api/v1/topics/{topic_id}/messages/3")
        async with connected(devnet.mirror_grpc_address) as connection:
            first, third = await rest(connection.subscribe(topic_id, limit=3))
            assert (first.sequenceNumber, third.sequenceNumber) == (1, 3)
            assert third.message != writer.truth(topic_id)[2].message
        assert three["sequence_number"] == 3


@pytest.mark.parametrize("code", ["UNAVAILABLE", "OK", "DEADLINE_EXCEEDED", "NOT_FOUND"])
async def test_streams_break_after_some_messages(code: str) -> None:
    async with running() as devnet:
        topic_id = await Writer(devnet).topic(3)
        devnet.faults.inject(Fault.STREAM_BREAKS, times=1, after=2, status=code)
        async with connected(devnet.mirror_grpc_address) as connection:
            assert await ending(connection.subscribe(topic_id)) == (2, code)
            assert await ending(connection.subscribe(topic_id, limit=3)) == (3, "OK")


async def test_open_streams_are_cut_at_once_and_the_mirror_comes_back() -> None:
    async with running() as devnet:
        topic_id = await Writer(devnet).topic(1)
        async with connected(devnet.mirror_grpc_address) as connection:
            stream = connection.subscribe(topic_id)
            await read(stream, 1)
            devnet.faults.inject(Fault.MIRROR_GRPC_DOWN)
            assert await ending(stream) == (0, "UNAVAILABLE")
            assert await ending(connection.subscribe(topic_id)) == (0, "UNAVAILABLE")
            assert await shown(devnet, topic_id) == [1]
            devnet.faults.clear()
            await read(connection.subscribe(topic_id), 1)


async def test_a_stream_that_goes_silent() -> None:
    async with running() as devnet:
        writer = Writer(devnet)
        topic_id = await writer.topic(3)
        devnet.faults.inject(Fault.STREAM_SILENT, times=1, after=1, topic=topic_id)
        async with connected(devnet.mirror_grpc_address) as connection:
            stream = connection.subscribe(topic_id)
            await read(stream, 1)
            assert await is_silent(stream)
            assert len(await read(connection.subscribe(topic_id), 3)) == 3
