"""The Java SDK against a real network: all that holds for the other adapter, also when the SDK's process dies."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.topics.client import QUICK, Client, client_of, ids
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.devnet.settings import DevnetSettings
from topics.errors import ReceiptUnknown, Rejected, TransactionExpired, Unavailable
from topics.ledger.grpc_ledger import Operator
from topics.ledger.jvm_ledger import JvmLedger
from topics.ledger.nodes import Node
from topics.ledger.operator_key import OperatorKey
from topics.ledger.port import Receipt
from topics.mirror.rest import Mirror
from topics.values import AccountId, ChunkInfo, TopicId, TransactionId

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = dataclasses.replace(QUICK, request_timeout_s=1.0, receipt_timeout_s=1.0)
FIRST = AccountId(0, 0, 3)
CIPHERTEXT = bytes(range(256)) * 4  # full to the limit, and no UTF-8


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def devnet() -> AsyncIterator[Devnet]:
    async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)) as network:
        yield network


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def jvm(devnet: Devnet) -> AsyncIterator[JvmLedger]:
    payer = devnet.operator_id
    operator = Operator(payer, OperatorKey.parse(devnet.operator_key), ids(payer))
    nodes = [Node(node, address) for node, address in devnet.nodes.items()]
    ledger = JvmLedger(nodes, operator=operator, settings=SETTINGS)
    yield ledger
    await ledger.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(devnet: Devnet, jvm: JvmLedger) -> AsyncIterator[Client]:
    async with client_of(devnet) as plain:
        yield dataclasses.replace(plain, ledger=jvm)


@pytest.fixture(autouse=True)
def calm(devnet: Devnet) -> Iterator[None]:
    yield
    devnet.faults.clear()


async def arrived(mirror: Mirror, topic_id: TopicId) -> list[bytes]:
    return [message.message for message in await mirror.messages(topic_id, after=0)]


async def test_a_topic_and_its_messages(client: Client) -> None:
    topic_id = await client.topic()
    receipts = [await client.write(topic_id, message) for message in (b"one", CIPHERTEXT)]
    assert [(receipt.status, receipt.sequence) for receipt in receipts] == [("SUCCESS", 1), ("SUCCESS", 2)]
    shown = await client.mirror.messages(topic_id, after=0)
    assert [message.message for message in shown] == [b"one", CIPHERTEXT]
    assert [message.chunk for message in shown] == [None, None]
    assert [message.running_hash for message in shown] == [receipt.running_hash for receipt in receipts]
    info = await client.ledger.topic_info(topic_id)
    assert (info.memo, info.sequence, info.running_hash) == ("hcs-bridge:1", 2, receipts[1].running_hash)


async def test_chunk_info_arrives_as_it_was_given(client: Client) -> None:
    topic_id = await client.topic()
    first = client.submission(topic_id, CIPHERTEXT)
    infos = [ChunkInfo(first.id, number, 3) for number in (1, 2, 3)]
    await client.ledger.submit(dataclasses.replace(first, chunk=infos[0]))
    assert (await client.ledger.receipt(first.id)).status == "SUCCESS"
    for info in infos[1:]:
        assert (await client.write(topic_id, CIPHERTEXT, info)).status == "SUCCESS"
    shown = await client.mirror.messages(topic_id, after=0)
    assert [(message.message, message.chunk) for message in shown] == [(CIPHERTEXT, info) for info in infos]


async def test_balance_and_mark(client: Client, jvm: JvmLedger) -> None:
    before = await jvm.balance()
    assert jvm.payer == client.new_id().payer
    await jvm.mark()
    assert await jvm.balance() < before


async def test_the_same_id_twice_runs_once(client: Client) -> None:
    topic_id = await client.topic()
    submission = client.submission(topic_id, b"once")
    for _ in range(3):
        await client.ledger.submit(submission)
    assert (await client.ledger.receipt(submission.id)).sequence == 1
    assert await arrived(client.mirror, topic_id) == [b"once"]


async def test_refusals_before_and_after_consensus(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    with pytest.raises(Rejected, match="INVALID_TOPIC_MESSAGE"):
        await client.ledger.submit(client.submission(topic_id, b""))
    with pytest.raises(Rejected, match="INSUFFICIENT_TX_FEE"):
        await client.ledger.submit(dataclasses.replace(client.submission(topic_id, b"x"), max_fee_tinybar=1))
    assert await client.write(TopicId(0, 0, 999_999), b"nowhere") == Receipt("INVALID_TOPIC_ID")
    async with client_of(devnet, account=devnet.create_account()) as other:
        theirs = await other.topic()
    assert await client.write(theirs, b"not my submit key") == Receipt("INVALID_SIGNATURE")


async def test_an_id_from_the_past_is_expired_and_one_from_the_future_waits(client: Client) -> None:
    submission = client.submission(await client.topic(), b"x")
    for shift_s, error in ((-600, TransactionExpired), (600, Unavailable)):
        id_ = TransactionId(client.ledger.payer, time.time_ns() + shift_s * 10**9)
        with pytest.raises(error, match=r"TRANSACTION_EXPIRED|INVALID_TRANSACTION_START"):
            await client.ledger.submit(dataclasses.replace(submission, id=id_))


async def test_no_receipt_for_what_never_was(client: Client) -> None:
    with pytest.raises(ReceiptUnknown):
        await client.ledger.receipt(client.new_id())


async def test_a_receipt_that_says_busy_is_pending_to_the_sdk(devnet: Devnet, client: Client) -> None:
    submission = client.submission(await client.topic(), b"x")
    devnet.faults.inject(Fault.BUSY_RECEIPT, times=1)
    await client.ledger.submit(submission)
    with pytest.raises(Unavailable, match="no consensus"):
        await client.ledger.receipt(submission.id)


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST_ACKNOWLEDGEMENT, Fault.NODE_DOWN, Fault.HANG])
async def test_some_failures_cost_nothing_but_time(devnet: Devnet, client: Client, fault: Fault) -> None:
    topic_id = await client.topic()
    devnet.faults.inject(fault, times=1 if fault is Fault.HANG else 3)
    assert (await client.write(topic_id, b"x")).status == "SUCCESS"
    assert await arrived(client.mirror, topic_id) == [b"x"]


async def test_one_node_down_leaves_the_other_and_it_comes_back(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    devnet.faults.inject(Fault.NODE_DOWN, node=FIRST)
    for message in (b"a", b"b", b"c"):
        assert (await client.write(topic_id, message)).status == "SUCCESS"
    assert client.ledger.node_failures()[FIRST] > 0
    devnet.faults.clear()
    async with asyncio.timeout(5):
        while client.ledger.node_failures()[FIRST]:
            await client.ledger.balance()
    assert await arrived(client.mirror, topic_id) == [b"a", b"b", b"c"]


async def test_all_nodes_down_is_unavailable_and_the_same_id_is_safe_later(devnet: Devnet, client: Client) -> None:
    submission = client.submission(await client.topic(), b"x")
    devnet.faults.inject(Fault.NODE_DOWN)
    for call in (client.ledger.submit(submission), client.ledger.receipt(submission.id), client.ledger.balance()):
        with pytest.raises(Unavailable, match=r"node 0\.0\.[34] at .*UNAVAILABLE: the node is down"):
            await call
    devnet.faults.clear()
    await client.ledger.submit(submission)
    assert (await client.ledger.receipt(submission.id)).sequence == 1


async def test_many_at_once(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    devnet.faults.inject(Fault.LOST_ACKNOWLEDGEMENT, times=5)
    messages = [b"%d" % number for number in range(60)]
    receipts = await asyncio.gather(*(client.write(topic_id, message) for message in messages))
    assert sorted(receipt.sequence or 0 for receipt in receipts) == list(range(1, 61))
    assert sorted(await arrived(client.mirror, topic_id)) == sorted(messages)


async def test_kill_9_in_the_middle_loses_nothing(devnet: Devnet, client: Client, jvm: JvmLedger) -> None:
    topic_id = await client.topic()
    killed = jvm.process.pid
    assert killed is not None
    devnet.faults.inject(Fault.HANG, times=1)
    submission = client.submission(topic_id, b"x")
    submitting = asyncio.create_task(client.ledger.submit(submission))
    async with asyncio.timeout(5):
        while await arrived(client.mirror, topic_id) != [b"x"]:
            pass  # until a node has it, and says nothing
    os.kill(killed, signal.SIGKILL)
    await submitting
    assert (await client.ledger.receipt(submission.id)).sequence == 1
    assert (await client.write(topic_id, b"y")).sequence == 2
    assert await arrived(client.mirror, topic_id) == [b"x", b"y"]
    assert jvm.process.pid not in (None, killed)
