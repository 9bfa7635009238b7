"""Nodes over real gRPC: two of them, and the ways in which they fail."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from tests.topics.devnet.ground import FIRST, NOON_NS, SECOND, Ground, signed, topic_body
from tests.topics.devnet.running import ask, running, submit
from tests.topics.devnet.test_queries import receipt_query
from topics.devnet.devnet import Devnet
from topics.devnet.envelope import name_of
from topics.devnet.faults import Fault
from topics.ledger.hapi import transaction
from topics.values import NANOS, AccountId, TopicId

SUBMIT = "ConsensusService/submitMessage"
RECEIPTS = "CryptoService/getTransactionReceipts"


class Client:
    """Speaks for an account of its own on a running network."""

    def __init__(self, devnet: Devnet) -> None:
        self.devnet = devnet
        self.ground = Ground(consensus_delay_s=0)
        self.ground.now_ns = devnet.settings.clock()
        key = self.ground.key
        account = devnet.network.open_account(key.public, balance=10**10, now_ns=self.ground.now_ns)
        self.payer = account.entity.id

    def draft(self, node: AccountId = FIRST) -> transaction.TransactionBody:
        return self.ground.submit(TopicId(0, 0, 7), payer=self.payer, node=node)

    async def send(self, body: transaction.TransactionBody, to: AccountId = FIRST, *, timeout_s: float = 10) -> str:
        answer = await submit(self.devnet, to, SUBMIT, signed(body, [self.ground.key]), timeout_s=timeout_s)
        return name_of(answer.nodeTransactionPrecheckCode)

    async def receipt(
        self, body: transaction.TransactionBody, at: AccountId = FIRST, *, timeout_s: float = 10
    ) -> tuple[str, str]:
        asked = receipt_query(body)
        answer = (await ask(self.devnet, at, RECEIPTS, asked, timeout_s=timeout_s)).transactionGetReceipt
        return name_of(answer.header.nodeTransactionPrecheckCode), name_of(answer.receipt.status)


async def test_submit_and_receipt() -> None:
    async with running() as devnet:
        client = Client(devnet)
        body = client.draft()
        assert await client.receipt(body) == ("RECEIPT_NOT_FOUND", "OK")
        assert await client.send(body) == "OK"
        for node in (FIRST, SECOND):
            assert await client.receipt(body, node) == ("OK", "INVALID_TOPIC_ID")
        assert await client.send(body) == "DUPLICATE_TRANSACTION"


async def test_each_node_takes_only_its_own() -> None:
    async with running() as devnet:
        client = Client(devnet)
        assert await client.send(client.draft(FIRST), SECOND) == "INVALID_NODE_ACCOUNT"
        assert await client.send(client.draft(SECOND), SECOND) == "OK"


async def test_busy_for_some_calls() -> None:
    async with running() as devnet:
        client = Client(devnet)
        devnet.faults.inject(Fault.BUSY, times=2)
        body = client.draft()
        assert [await client.send(body) for _ in range(3)] == ["BUSY", "BUSY", "OK"]


async def test_a_lost_acknowledgement_is_of_something_that_was_taken() -> None:
    async with running() as devnet:
        client = Client(devnet)
        devnet.faults.inject(Fault.LOST_ACKNOWLEDGEMENT, times=1)
        body = client.draft()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.send(body)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert await client.receipt(body) == ("OK", "INVALID_TOPIC_ID")


async def test_a_node_that_is_down_answers_nothing() -> None:
    async with running() as devnet:
        client = Client(devnet)
        devnet.faults.inject(Fault.NODE_DOWN, node=FIRST)
        body = client.draft()
        for call in (client.send(body), client.receipt(body)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert await client.send(client.draft(SECOND), SECOND) == "OK"
        devnet.faults.clear()
        assert await client.send(body) == "OK"


async def test_other_calls_are_wired() -> None:
    async with running() as devnet:
        client = Client(devnet)
        request = signed(client.ground.transfer({client.payer: 0}, payer=client.payer), [client.ground.key])
        answer = await submit(devnet, FIRST, "CryptoService/cryptoTransfer", request)
        assert name_of(answer.nodeTransactionPrecheckCode) == "OK"
        body = client.draft()
        wanted = receipt_query(body)
        for method in (
            "ConsensusService/getTopicInfo",
            "CryptoService/getTxRecordByTxID",
            "CryptoService/cryptoGetBalance",
            "CryptoService/getAccountInfo",
            "NetworkService/getVersionInfo",
        ):
            assert (await ask(devnet, FIRST, method, wanted)).WhichOneof("response") is not None


async def test_a_node_that_hangs_has_done_what_was_asked() -> None:
    async with running() as devnet:
        client = Client(devnet)
        devnet.faults.inject(Fault.HANG, node=FIRST, times=2)
        body = client.draft()
        for call in (client.send(body, timeout_s=0.3), client.receipt(body, timeout_s=0.3)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert await client.receipt(body) == ("OK", "INVALID_TOPIC_ID")


async def test_a_network_stops_though_a_call_hangs() -> None:
    async with running() as devnet:
        client = Client(devnet)
        devnet.faults.inject(Fault.HANG)
        taken = asyncio.Event()
        devnet.network.mirror.on_import.append(lambda _: taken.set())
        call = asyncio.create_task(client.send(client.draft(), timeout_s=60))
        await asyncio.wait_for(taken.wait(), 10)
    with pytest.raises(grpc.aio.AioRpcError):
        await asyncio.wait_for(call, 10)


async def test_expired_receipts_are_unknown_though_the_id_is_not() -> None:
    async with running() as devnet:
        client = Client(devnet)
        body = client.draft()
        await client.send(body)
        devnet.faults.inject(Fault.RECEIPTS_EXPIRED, times=2)
        for node in (FIRST, SECOND):
            assert await client.receipt(body, node) == ("RECEIPT_NOT_FOUND", "OK")
        assert await client.send(body) == "DUPLICATE_TRANSACTION"
        assert await client.receipt(body) == ("OK", "INVALID_TOPIC_ID")


async def test_busy_in_a_receipt_has_done_nothing_and_costs_nothing() -> None:
    async with running() as devnet:
        client = Client(devnet)
        devnet.faults.inject(Fault.BUSY_RECEIPT, times=1)
        body, again = client.draft(), client.draft()
        assert await client.send(body) == "OK"
        assert await client.receipt(body) == ("OK", "BUSY")
        [record] = devnet.network.mirror.everything()
        assert (record.charged, record.transfers, record.message) == (0, {}, None)
        assert await client.send(again) == "OK"
        assert await client.receipt(again) == ("OK", "INVALID_TOPIC_ID")


async def test_a_clock_that_is_behind() -> None:
    async with running() as devnet:
        client = Client(devnet)
        devnet.faults.inject(Fault.CLOCK_SKEW, skew_s=5, node=FIRST)
        # Drafts start a second ago.
        assert await client.send(client.draft()) == "INVALID_TRANSACTION_START"
        assert await client.send(client.draft(SECOND), SECOND) == "OK"
        earlier = client.ground.submit(TopicId(0, 0, 7), payer=client.payer, start_ns=client.ground.now_ns - 9 * NANOS)
        assert await client.send(earlier) == "OK"


async def test_topics_beyond_the_throttle_get_busy() -> None:
    now_ns = NOON_NS
    async with running(create_throttle_per_s=4, clock=lambda: now_ns) as devnet:
        client = Client(devnet)

        async def create(node: AccountId) -> str:
            body = client.ground.body(consensusCreateTopic=topic_body(), payer=client.payer, node=node)
            request = signed(body, [client.ground.key])
            answer = await submit(devnet, node, "ConsensusService/createTopic", request)
            return name_of(answer.nodeTransactionPrecheckCode)

        assert [await create(FIRST) for _ in range(3)] == ["OK", "OK", "BUSY"]
        assert [await create(SECOND) for _ in range(3)] == ["OK", "OK", "BUSY"]
        assert await client.send(client.draft()) == "OK", "messages pass"
        now_ns += NANOS // 2
        assert [await create(FIRST) for _ in range(2)] == ["OK", "BUSY"]
