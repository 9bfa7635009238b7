"""A stream names no payer: the running hash tells who it was, and REST only where nobody known fits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.topics.client import Client, client_of
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.errors import Unavailable
from topics.mirror.payers import Payers
from topics.values import HASH_BYTES, START, AccountId, ChunkInfo, TopicMessage, TransactionId


async def shown(client: Client, count: int = 1, chunk: ChunkInfo | None = None) -> list[TopicMessage]:
    topic_id = await client.topic()
    for _ in range(count):
        await client.write(topic_id, b"x", chunk)
    return await client.mirror.messages(topic_id, after=0)


def streamed(message: TopicMessage) -> TopicMessage:
    return replace(message, payer=None)


async def test_our_own_messages_and_chunks_ask_nobody(client: Client) -> None:
    [plain] = await shown(client)
    [chunk] = await shown(client, chunk=ChunkInfo(TransactionId(client.ledger.payer, 7), 2, 3))
    before = client.mirror.requests
    payers = Payers(client.mirror, client.ledger.payer)
    for message in (plain, chunk):
        assert await payers.named(streamed(message), previous=START.running_hash) == message
    assert client.mirror.requests == before


async def test_anothers_chunk_says_whose_it_is(devnet: Devnet, client: Client) -> None:
    async with client_of(devnet, account=devnet.create_account()) as other:
        [chunk] = await shown(other, chunk=ChunkInfo(TransactionId(other.ledger.payer, 7), 2, 3))
    before = client.mirror.requests
    payers = Payers(client.mirror, client.ledger.payer)
    assert await payers.named(streamed(chunk), previous=START.running_hash) == chunk
    assert client.mirror.requests == before


async def test_another_is_looked_up_once_and_then_known(devnet: Devnet, client: Client) -> None:
    async with client_of(devnet, account=devnet.create_account()) as other:
        first, second = await shown(other, count=2)
    before = client.mirror.requests
    payers = Payers(client.mirror, client.ledger.payer)
    assert await payers.named(streamed(first), previous=START.running_hash) == first
    assert await payers.named(streamed(second), previous=first.running_hash) == second
    assert client.mirror.requests == before + 1


async def test_a_message_that_fits_nobody_is_taken_from_rest(client: Client) -> None:
    [message] = await shown(client)
    payers = Payers(client.mirror, AccountId(0, 0, 4))
    for altered in (replace(message, message=b"y"), replace(message, running_hash=bytes(HASH_BYTES))):
        assert await payers.named(streamed(altered), previous=START.running_hash) == message


async def test_while_rest_does_not_have_it_nothing_is_guessed(devnet: Devnet, client: Client) -> None:
    [message] = await shown(client)
    devnet.faults.inject(Fault.MIRROR_LAG, lag_s=3600)
    with pytest.raises(Unavailable, match="has no message 1"):
        await Payers(client.mirror, AccountId(0, 0, 4)).named(streamed(message), previous=START.running_hash)
