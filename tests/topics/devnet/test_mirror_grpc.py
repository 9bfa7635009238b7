"""The mirror's gRPC side over real connections: what is there, what comes, what is refused, and the sixth call."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from tests.topics.devnet.ground import FIRST, SECOND
from tests.topics.devnet.running import running
from tests.topics.devnet.streams import Connection, Response, Writer, connected, is_silent, read, rest
from topics.devnet import protos
from topics.devnet.faults import Fault
from topics.ledger.hapi import basic_types, mirror_network
from topics.running_hash import Verifier
from topics.values import NANOS, START, ChunkInfo, TopicId, TopicMessage


def sequences(responses: list[Response]) -> list[int]:
    return [each.sequenceNumber for each in responses]


async def test_history_then_what_comes_and_it_verifies() -> None:
    async with running(consensus_delay_s=0.02, mirror_delay_s=0.02) as devnet:
        writer = Writer(devnet)
        async with connected(devnet.mirror_grpc_address) as connection:
            topic_id = await writer.topic()
            await writer.until(lambda: topic_id in devnet.network.mirror.topics)
            await writer.write(topic_id, b"first")
            stream = connection.subscribe(topic_id)
            found = await read(stream, 1)
            # Nobody asks the network for anything now: the stream alone lets time go on.
            for number in range(2):
                await writer.write(topic_id, b"%d" % number)
                found += await read(stream, 1)
        verifier = Verifier(topic_id, START)
        for response, truth in zip(found, writer.truth(topic_id), strict=True):
            assert response == protos.topic_response(truth)
            verifier.accept(message_of(topic_id, response, truth))


def message_of(topic_id: TopicId, response: Response, truth: TopicMessage) -> TopicMessage:
    """Read as a client reads it; the payer, which isn't told, from the truth."""
    at_ns = protos.read_time(response.consensusTimestamp)
    hashed, version = response.runningHash, response.runningHashVersion
    return TopicMessage(
        topic_id,
        response.sequenceNumber,
        at_ns,
        response.message,
        hashed,
        truth.payer,
        None,
        running_hash_version=version,
    )


async def test_from_a_time_on_up_to_a_time_and_so_many() -> None:
    async with running() as devnet:
        writer = Writer(devnet)
        topic_id = await writer.topic(4)
        first, second, third, fourth = (each.consensus_ns for each in writer.truth(topic_id))
        async with connected(devnet.mirror_grpc_address) as connection:

            async def told(**asked: Any) -> list[int]:
                return sequences(await rest(connection.subscribe(topic_id, **asked)))

            assert await told(limit=2) == [1, 2]
            assert await told(start_ns=second, limit=2) == [2, 3]
            assert await told(start_ns=second + 1, limit=1) == [3]
            assert await told(end_ns=third) == [1, 2]
            assert await told(start_ns=first, end_ns=fourth + 1) == [1, 2, 3, 4]
            assert await told(start_ns=second, end_ns=fourth, limit=1) == [2]


async def test_without_a_start_time_history_is_lost() -> None:
    async with running() as devnet:
        writer = Writer(devnet)
        topic_id = await writer.topic(2)
        async with connected(devnet.mirror_grpc_address) as connection:
            first = asyncio.create_task(read(connection.subscribe(topic_id, start_ns=None), 1))
            while not first.done():
                # An open stream without messages says nothing: whether it is open yet, nobody knows.
                await writer.write(topic_id, b"now")
            assert [each.message for each in first.result()] == [b"now"]


async def test_an_end_that_is_still_to_come() -> None:
    async with running() as devnet:
        writer = Writer(devnet)
        topic_id = await writer.topic(1)
        async with connected(devnet.mirror_grpc_address) as connection:
            stream = connection.subscribe(topic_id, end_ns=devnet.settings.clock() + NANOS // 5)
            await writer.write(topic_id, b"in time")
            assert sequences(await rest(stream)) == [1, 2]


async def test_chunks_say_where_they_belong() -> None:
    async with running() as devnet:
        writer = Writer(devnet)
        topic_id = await writer.topic()
        body = writer.client.ground.submit(topic_id, b"half", payer=writer.client.payer)
        initial = protos.read_transaction_id(body.transactionID)
        assert initial is not None
        chunk = protos.chunk_info(ChunkInfo(initial, 1, 2))
        await writer.write(topic_id, b"half", chunk=chunk, start_ns=initial.valid_start_ns)
        await writer.write(topic_id, b"whole")
        async with connected(devnet.mirror_grpc_address) as connection:
            half, whole = await read(connection.subscribe(topic_id), 2)
        assert (half.chunkInfo, whole.HasField("chunkInfo")) == (chunk, False)


async def test_what_is_refused() -> None:
    async with running() as devnet:
        topic_id = await Writer(devnet).topic(1)
        now_ns = devnet.settings.clock()
        async with connected(devnet.mirror_grpc_address) as connection:
            for asked, said in (
                ({"topic_id": TopicId(0, 0, 99999)}, ("NOT_FOUND", "0.0.99999 does not exist")),
                ({"topic_id": None}, ("INVALID_ARGUMENT", "Missing required topicID")),
                (
                    {"topic_id": topic_id, "start_ns": now_ns + 60 * NANOS},
                    ("INVALID_ARGUMENT", "Start time must be before the current time"),
                ),
                (
                    {"topic_id": topic_id, "start_ns": now_ns, "end_ns": now_ns},
                    ("INVALID_ARGUMENT", "End time must be after start time"),
                ),
            ):
                assert await connection.refusal(**asked) == said


async def test_a_topic_that_was_just_created_is_not_found() -> None:
    now = [1_700_000_000 * NANOS]
    async with running(mirror_delay_s=2, clock=lambda: now[0]) as devnet:
        topic_id = await Writer(devnet).topic(1)
        async with connected(devnet.mirror_grpc_address) as connection:
            assert (await connection.refusal(topic_id))[0] == "NOT_FOUND"
            now[0] += 3 * NANOS
            assert sequences(await read(connection.subscribe(topic_id), 1)) == [1]


async def test_the_sixth_call_of_a_connection_is_silent_until_one_ends() -> None:
    async with running() as devnet:
        topic_id = await Writer(devnet).topic(1)
        async with connected(devnet.mirror_grpc_address) as connection:
            five = [connection.subscribe(topic_id) for _ in range(5)]
            for stream in five:
                await read(stream, 1)
            assert await is_silent(connection.subscribe(topic_id))
            async with connected(devnet.mirror_grpc_address) as other:
                await read(other.subscribe(topic_id), 1)
            sixth = connection.subscribe(topic_id)
            five[0].cancel()
            await read(sixth, 1)


@pytest.mark.long
async def test_a_client_that_pings_too_often_is_sent_away() -> None:
    async with running() as devnet:
        topic_id = await Writer(devnet).topic(1)
        eager = {"grpc.keepalive_time_ms": 100, "grpc.http2.max_pings_without_data": 0}
        async with connected(devnet.mirror_grpc_address, **eager) as connection:
            stream = connection.subscribe(topic_id)
            await read(stream, 1)
            with pytest.raises(grpc.aio.AioRpcError, match="UNAVAILABLE"):
                await stream.read()


async def test_the_address_book() -> None:
    async with running() as devnet:

        async def book(connection: Connection, number: int, limit: int = 0) -> list[Any]:
            query = mirror_network.AddressBookQuery(file_id=basic_types.FileID(fileNum=number), limit=limit)
            return await rest(connection.call("NetworkService/getNodes", query, basic_types.NodeAddress.FromString))

        async with connected(devnet.mirror_grpc_address) as connection:
            one, two = await book(connection, 102)
            assert [protos.read_account(each.nodeAccountId) for each in (one, two)] == [FIRST, SECOND]
            [endpoint] = one.serviceEndpoint
            assert f"{'.'.join(map(str, endpoint.ipAddressV4))}:{endpoint.port}" == devnet.nodes[FIRST]
            assert await book(connection, 101, limit=1) == [one]
            await devnet.move_node(FIRST)
            assert (await book(connection, 102))[0] != one
            with pytest.raises(grpc.aio.AioRpcError, match="Not a valid address book file"):
                await book(connection, 112)
            devnet.faults.inject(Fault.MIRROR_GRPC_DOWN)
            with pytest.raises(grpc.aio.AioRpcError, match="UNAVAILABLE"):
                await book(connection, 102)


async def test_streams_end_with_the_network() -> None:
    async with running() as devnet:
        topic_id = await Writer(devnet).topic(1)
        channel = grpc.aio.insecure_channel(devnet.mirror_grpc_address)
        stream = Connection(channel).subscribe(topic_id)
        await read(stream, 1)
    with pytest.raises(grpc.aio.AioRpcError):
        await stream.read()
    await channel.close(None)
