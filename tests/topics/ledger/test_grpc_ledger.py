"""Against a real network: topics, messages, receipts and queries, with both kinds of keys."""

from __future__ import annotations

import dataclasses
import time

import pytest

from tests.topics.client import QUICK, Client, client_of
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.devnet.made_keys import make_ecdsa
from topics.devnet.settings import DevnetSettings
from topics.errors import ReceiptUnknown, Rejected, TransactionExpired, Unavailable
from topics.ledger.port import Receipt
from topics.values import AccountId, ChunkInfo, TopicId, TransactionId


async def test_a_topic_and_its_messages(client: Client) -> None:
    topic_id = await client.topic()
    receipts = [await client.write(topic_id, message) for message in (b"one", b"two")]
    assert [(receipt.status, receipt.sequence) for receipt in receipts] == [("SUCCESS", 1), ("SUCCESS", 2)]
    shown = await client.mirror.messages(topic_id, after=0)
    assert [message.message for message in shown] == [b"one", b"two"]
    assert [message.running_hash for message in shown] == [receipt.running_hash for receipt in receipts]
    info = await client.ledger.topic_info(topic_id)
    assert (info.memo, info.sequence, info.running_hash) == ("hcs-bridge:1", 2, receipts[1].running_hash)


async def test_an_ecdsa_operator(devnet: Devnet) -> None:
    async with client_of(devnet, account=devnet.create_account(key=make_ecdsa())) as client:
        topic_id = await client.topic()
        assert (await client.write(topic_id, b"hello")).sequence == 1
        assert (await client.ledger.topic_info(topic_id)).sequence == 1


async def test_chunk_info_arrives(client: Client) -> None:
    topic_id = await client.topic()
    first = client.submission(topic_id, b"a")
    info = ChunkInfo(first.id, 1, 2)
    await client.ledger.submit(dataclasses.replace(first, chunk=info))
    assert (await client.ledger.receipt(first.id)).status == "SUCCESS"
    assert (await client.write(topic_id, b"b", ChunkInfo(first.id, 2, 2))).status == "SUCCESS"
    assert [message.chunk for message in await client.mirror.messages(topic_id, after=0)] == [
        info,
        ChunkInfo(first.id, 2, 2),
    ]


async def test_balance_is_free_and_topic_info_is_paid(client: Client) -> None:
    topic_id = await client.topic()
    before = await client.ledger.balance()
    assert before == await client.ledger.balance()
    await client.ledger.topic_info(topic_id)
    assert 0 < before - await client.ledger.balance() < QUICK.max_query_fee_tinybar
    assert client.ledger.payer == AccountId(0, 0, client.ledger.payer.num)


async def test_a_query_priced_over_the_maximum_is_not_paid(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    async with client_of(devnet, settings=dataclasses.replace(QUICK, max_query_fee_tinybar=1)) as thrifty:
        before = await thrifty.ledger.balance()
        with pytest.raises(Rejected, match="over the maximum"):
            await thrifty.ledger.topic_info(topic_id)
        assert await thrifty.ledger.balance() == before


async def test_the_same_id_twice_runs_once(client: Client) -> None:
    topic_id = await client.topic()
    submission = client.submission(topic_id, b"once")
    for _ in range(3):
        await client.ledger.submit(submission)
    assert (await client.ledger.receipt(submission.id)).sequence == 1
    assert (await client.ledger.topic_info(topic_id)).sequence == 1


async def test_a_receipt_that_is_no_success_comes_back(client: Client) -> None:
    receipt = await client.write(TopicId(0, 0, 999_999), b"nowhere")
    assert receipt == Receipt("INVALID_TOPIC_ID")


async def test_precheck_refusals(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    with pytest.raises(Rejected, match="INVALID_TOPIC_MESSAGE"):
        await client.ledger.submit(client.submission(topic_id, b""))
    with pytest.raises(Rejected, match="INSUFFICIENT_TX_FEE"):
        await client.ledger.submit(dataclasses.replace(client.submission(topic_id, b"x"), max_fee_tinybar=1))
    with pytest.raises(Rejected, match="INVALID_TOPIC_ID"):
        await client.ledger.topic_info(TopicId(0, 0, 999_999))
    _, wrong_key = devnet.create_account()
    async with client_of(devnet, account=(devnet.operator_id, wrong_key)) as forger:
        with pytest.raises(Rejected, match="INVALID_SIGNATURE"):
            await forger.ledger.submit(forger.submission(topic_id, b"x"))
        assert set(forger.ledger.node_failures().values()) == {0}


async def test_an_id_from_the_past_is_expired_and_one_from_the_future_waits(client: Client) -> None:
    topic_id = await client.topic()
    submission = client.submission(topic_id, b"x")
    old = TransactionId(client.ledger.payer, time.time_ns() - 600 * 10**9)
    with pytest.raises(TransactionExpired):
        await client.ledger.submit(dataclasses.replace(submission, id=old))
    early = TransactionId(client.ledger.payer, time.time_ns() + 600 * 10**9)
    with pytest.raises(Unavailable, match="INVALID_TRANSACTION_START"):
        await client.ledger.submit(dataclasses.replace(submission, id=early))


async def test_no_receipt_for_what_never_was(client: Client) -> None:
    with pytest.raises(ReceiptUnknown):
        await client.ledger.receipt(client.new_id())


async def test_receipts_wait_for_consensus_and_not_for_ever() -> None:
    async with Devnet(DevnetSettings(consensus_delay_s=0.3, mirror_delay_s=0)) as slow:
        async with client_of(slow) as client:
            assert (await client.write(await client.topic(), b"x")).sequence == 1
        impatient = dataclasses.replace(QUICK, receipt_timeout_s=0.05)
        async with client_of(slow, settings=impatient) as client:
            creation = client.creation()
            await client.ledger.create_topic(creation)
            with pytest.raises(Unavailable, match="no consensus"):
                await client.ledger.receipt(creation.id)


async def test_two_nodes_tell_where_a_topic_ends(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    await client.write(topic_id, b"x")
    assert [info.sequence for info in await client.ledger.topic_infos(topic_id)] == [1, 1]
    devnet.faults.inject(Fault.NODE_DOWN, node=next(iter(devnet.nodes)))
    assert [info.sequence for info in await client.ledger.topic_infos(topic_id)] == [1]


async def test_a_mark_gives_the_payer_a_transaction(client: Client) -> None:
    await client.ledger.mark()
    [shown] = (await client.mirror.history(client.ledger.payer, from_ns=time.time_ns() - 60 * 10**9)).rows
    assert (shown.id.payer, shown.result) == (client.ledger.payer, "SUCCESS")
