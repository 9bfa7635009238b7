"""The official Python SDK, as its users run it, subscribes to a topic at the embedded network's mirror."""

from __future__ import annotations

import asyncio
import queue
from dataclasses import replace
from datetime import UTC, datetime

from hiero_sdk_python import AccountId, Client, TopicMessageQuery
from hiero_sdk_python.consensus.topic_message import TopicMessage

from tests.topics.client import Client as Ours
from topics.devnet.devnet import Devnet
from topics.values import ChunkInfo, TopicId

DEADLINE_S = 10


def read(devnet: Devnet, topic_id: TopicId, count: int) -> list[TopicMessage]:
    """So many messages from the first on, chunks joined. It blocks, as the SDK does."""
    client = Client.for_network({address: AccountId.from_string(str(node)) for node, address in devnet.nodes.items()})
    client.network.mirror_address = devnet.mirror_grpc_address
    found: queue.Queue[TopicMessage] = queue.Queue()
    since = datetime.fromtimestamp(0, UTC)
    query = TopicMessageQuery(str(topic_id), start_time=since, chunking_enabled=True)
    handle = query.subscribe(client, found.put)
    try:
        return [found.get(timeout=DEADLINE_S) for _ in range(count)]
    finally:
        handle.cancel()
        client.close()


async def test_the_official_python_sdk_subscribes(devnet: Devnet, client: Ours) -> None:
    topic_id = await client.topic()
    reading = asyncio.create_task(asyncio.to_thread(read, devnet, topic_id, 2))
    one, two = client.submission(topic_id, b"one, "), client.submission(topic_id, b"two")
    for number, chunk in enumerate((one, two), start=1):
        await client.ledger.submit(replace(chunk, chunk=ChunkInfo(one.id, number, 2)))
        await client.ledger.receipt(chunk.id)
    receipt = await client.write(topic_id, b"three")
    joined, third = await reading
    assert (joined.contents, [each.sequence_number for each in joined.chunks]) == (b"one, two", [1, 2])
    assert (third.contents, third.sequence_number) == (b"three", 3)
    assert third.running_hash == receipt.running_hash
