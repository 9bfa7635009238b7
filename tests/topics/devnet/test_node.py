"""Nodes over real gRPC: two of them, and the ways in which they fail."""

from __future__ import annotations

import grpc
import pytest

from tests.topics.devnet.ground import FIRST, SECOND, Ground, signed
from tests.topics.devnet.running import ask, running, submit
from tests.topics.devnet.test_queries import receipt_query
from topics.devnet.devnet import Devnet
from topics.devnet.envelope import name_of
from topics.devnet.faults import Fault
from topics.ledger.hapi import transaction
from topics.values import AccountId, TopicId

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

    async def send(self, body: transaction.TransactionBody, to: AccountId = FIRST) -> str:
        answer = await submit(self.devnet, to, SUBMIT, signed(body, [self.ground.key]))
        return name_of(answer.nodeTransactionPrecheckCode)

    async def receipt(self, body: transaction.TransactionBody, at: AccountId = FIRST) -> tuple[str, str]:
        answer = (await ask(self.devnet, at, RECEIPTS, receipt_query(body))).transactionGetReceipt
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
