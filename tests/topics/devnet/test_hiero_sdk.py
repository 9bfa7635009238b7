"""The official Python SDK's own client, as its users run it, drives the embedded network."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hiero_sdk_python import (
    AccountId,
    Client,
    CryptoGetAccountBalanceQuery,
    PrivateKey,
    PublicKey,
    ResponseCode,
    TopicCreateTransaction,
    TopicInfoQuery,
    TopicMessageSubmitTransaction,
    TransactionGetReceiptQuery,
)

from tests.topics.client import Client as Ours
from topics.devnet.devnet import Devnet
from topics.fees import submit_fee
from topics.values import TopicId

LONG = "a message that needs chunks " * 100


@dataclass(frozen=True, slots=True)
class Told:
    """What the SDK said."""

    topic_id: TopicId
    without_key: int
    sequence: int
    chunk_sequences: list[int]
    asked_again: int
    memo: str
    info_sequence: int
    running_hash: bytes
    submit_key: bytes
    submit_key_made: bytes
    spent_tinybar: int


def drive(devnet: Devnet) -> Told:
    """All of it blocks, as the SDK does."""
    client = Client.for_network({address: AccountId.from_string(str(node)) for node, address in devnet.nodes.items()})
    operator = AccountId.from_string(str(devnet.operator_id))
    client.set_operator(operator, PrivateKey.from_string(devnet.operator_key))
    try:
        before = CryptoGetAccountBalanceQuery(operator).execute(client).hbars
        submit_key = PrivateKey.generate_ed25519()
        create = TopicCreateTransaction(memo="driven by the official SDK").set_submit_key(submit_key.public_key())
        topic = create.execute(client).topic_id
        refused = TopicMessageSubmitTransaction(topic, "without the submit key").execute(client)
        single = TopicMessageSubmitTransaction(topic, "one message").freeze_with(client).sign(submit_key)
        taken = single.execute(client)
        again = TransactionGetReceiptQuery(taken.transaction_id).execute(client)
        chunked = TopicMessageSubmitTransaction(topic, LONG)
        chunked.freeze_with(client).sign(submit_key)
        in_chunks = chunked.execute_all(client)
        info = TopicInfoQuery(topic).execute(client)
        after = CryptoGetAccountBalanceQuery(operator).execute(client).hbars
        return Told(
            topic_id=TopicId.parse(str(topic)),
            without_key=int(refused.status or 0),
            sequence=taken.topic_sequence_number,
            chunk_sequences=[receipt.topic_sequence_number for receipt in in_chunks],
            asked_again=int(again.status or 0),
            memo=info.memo,
            info_sequence=info.sequence_number,
            running_hash=info.running_hash,
            submit_key=info.submit_key.to_bytes_raw() if isinstance(info.submit_key, PublicKey) else b"",
            submit_key_made=submit_key.public_key().to_bytes_raw(),
            spent_tinybar=before.to_tinybars() - after.to_tinybars(),
        )
    finally:
        client.close()


async def test_the_official_python_sdk_drives_the_network(devnet: Devnet, client: Ours) -> None:
    told = await asyncio.to_thread(drive, devnet)
    assert told.without_key == ResponseCode.INVALID_SIGNATURE
    assert told.asked_again == ResponseCode.SUCCESS
    assert (told.sequence, told.chunk_sequences, told.info_sequence) == (1, [2, 3, 4], 4)
    assert told.memo == "driven by the official SDK"
    assert told.submit_key == told.submit_key_made
    messages = await client.mirror.messages(told.topic_id, after=0)
    assert messages[0].message == b"one message"
    assert b"".join(message.message for message in messages[1:]).decode() == LONG
    chunks = [message.chunk for message in messages[1:]]
    assert [(chunk.number, chunk.total) for chunk in chunks if chunk] == [(1, 3), (2, 3), (3, 3)]
    assert len({chunk.initial for chunk in chunks if chunk}) == 1
    assert messages[-1].running_hash == told.running_hash
    submits = (await client.mirror.transactions(devnet.operator_id, after_ns=messages[0].consensus_ns - 1)).rows
    assert [row.result for row in submits] == ["SUCCESS"] * 4
    both_sign = submit_fee(message_bytes=len(messages[0].message), signatures=2)
    assert submits[0].charged_tinybar == devnet.settings.exchange_rate.tinybar(both_sign.total)
    assert 0 < sum(row.charged_tinybar for row in submits) < told.spent_tinybar
