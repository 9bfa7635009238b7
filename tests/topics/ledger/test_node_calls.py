"""Nodes fail in their ways; what was handed over still arrives once, or the caller learns that nothing is known."""

from __future__ import annotations

import asyncio
import dataclasses
import socket

import pytest

from tests.topics.client import QUICK, Client, client_of
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.errors import Rejected, Unavailable
from topics.ledger.grpc_ledger import GrpcLedger, Operator
from topics.ledger.nodes import Node
from topics.ledger.operator_key import OperatorKey
from topics.values import AccountId, TopicId

FIRST, SECOND = AccountId(0, 0, 3), AccountId(0, 0, 4)


async def arrived(client: Client, topic_id: TopicId) -> list[bytes]:
    return [message.message for message in await client.mirror.messages(topic_id, after=0)]


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST_ACKNOWLEDGEMENT, Fault.NODE_DOWN])
async def test_some_failures_cost_nothing_but_time(devnet: Devnet, client: Client, fault: Fault) -> None:
    topic_id = await client.topic()
    devnet.faults.inject(fault, times=3)
    assert (await client.write(topic_id, b"x")).status == "SUCCESS"
    assert await arrived(client, topic_id) == [b"x"]


async def test_one_node_down_leaves_the_other(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    devnet.faults.inject(Fault.NODE_DOWN, node=FIRST)
    for message in (b"a", b"b", b"c"):
        assert (await client.write(topic_id, message)).status == "SUCCESS"
    failures = client.ledger.node_failures()
    assert failures[FIRST] > 0
    assert failures[SECOND] == 0
    devnet.faults.clear()
    async with asyncio.timeout(5):
        while client.ledger.node_failures()[FIRST]:
            await client.ledger.balance()
    assert await arrived(client, topic_id) == [b"a", b"b", b"c"]


async def test_all_nodes_down_is_unavailable_and_the_same_id_is_safe_later(devnet: Devnet, client: Client) -> None:
    submission = client.submission(await client.topic(), b"x")
    devnet.faults.inject(Fault.NODE_DOWN)
    for call in (client.ledger.submit(submission), client.ledger.receipt(submission.id), client.ledger.balance()):
        with pytest.raises(Unavailable, match=r"node 0\.0\.[34] at .*: UNAVAILABLE: the node is down"):
            await call
    devnet.faults.clear()
    await client.ledger.submit(submission)
    assert (await client.ledger.receipt(submission.id)).sequence == 1


async def test_busy_for_ever_is_unavailable(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    devnet.faults.inject(Fault.BUSY)
    with pytest.raises(Unavailable, match="BUSY"):
        await client.ledger.submit(client.submission(topic_id, b"x"))


async def test_a_refusal_after_silence_is_not_the_outcome(devnet: Devnet, client: Client) -> None:
    unfit = client.submission(await client.topic(), b"")
    devnet.faults.inject(Fault.NODE_DOWN, times=1)
    # each attempt meets the same refusal, and none is proof, since the node that was silent may have taken it
    with pytest.raises(Unavailable, match=r"no answer, and then .* refused with INVALID_TOPIC_MESSAGE"):
        await client.ledger.submit(unfit)
    with pytest.raises(Rejected):
        await client.ledger.submit(unfit)


async def test_a_node_under_a_wrong_account_is_left_for_another(devnet: Devnet) -> None:
    operator = Operator(devnet.operator_id, OperatorKey.parse(devnet.operator_key), lambda: pytest.fail("not paid"))
    nodes = [Node(AccountId(0, 0, 33), devnet.nodes[FIRST]), Node(SECOND, devnet.nodes[SECOND])]
    async with client_of(devnet) as client:
        ledger = GrpcLedger(nodes, operator=operator, settings=QUICK)
        creation = client.creation()
        await ledger.create_topic(creation)
        assert (await ledger.receipt(creation.id)).status == "SUCCESS"
        assert ledger.node_failures()[AccountId(0, 0, 33)] == 1
        await ledger.close()


async def test_a_node_that_hangs_is_left_for_another(devnet: Devnet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and never says a word
        devnet.nodes[FIRST] = f"127.0.0.1:{silent.getsockname()[1]}"
        async with client_of(devnet, settings=dataclasses.replace(QUICK, request_timeout_s=0.3)) as client:
            topic_id = await client.topic()
            assert (await client.write(topic_id, b"x")).sequence == 1


async def test_a_node_that_is_not_there(devnet: Devnet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        devnet.nodes[FIRST] = f"127.0.0.1:{gone.getsockname()[1]}"
    async with client_of(devnet) as client:
        topic_id = await client.topic()
        assert (await client.write(topic_id, b"x")).sequence == 1


async def test_many_at_once_spread_over_the_nodes(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    devnet.faults.inject(Fault.LOST_ACKNOWLEDGEMENT, times=5)
    messages = [b"%d" % number for number in range(40)]
    receipts = await asyncio.gather(*(client.write(topic_id, message) for message in messages))
    assert sorted(receipt.sequence or 0 for receipt in receipts) == list(range(1, 41))
    assert sorted(await arrived(client, topic_id)) == sorted(messages)
