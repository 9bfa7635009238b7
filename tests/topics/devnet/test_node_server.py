"""Every call of the Hedera API that the network knows reaches the node that stands behind the port."""

from __future__ import annotations

import pytest

from tests.topics.devnet.ground import FIRST, SECOND, Ground
from tests.topics.devnet.running import ask, running, submit
from tests.topics.devnet.test_node import Client
from tests.topics.devnet.test_queries import receipt_query
from topics.devnet import protos
from topics.devnet.envelope import name_of
from topics.ledger.hapi import transaction
from topics.values import TopicId


@pytest.mark.parametrize(
    "method",
    [
        "ConsensusService/createTopic",
        "ConsensusService/updateTopic",
        "ConsensusService/deleteTopic",
        "ConsensusService/submitMessage",
        "CryptoService/createAccount",
        "CryptoService/cryptoTransfer",
    ],
)
async def test_submits(method: str) -> None:
    async with running() as devnet:
        answer = await submit(devnet, FIRST, method, transaction.Transaction())
        assert name_of(answer.nodeTransactionPrecheckCode) == "INVALID_TRANSACTION_BODY"


@pytest.mark.parametrize(
    "method",
    [
        "ConsensusService/getTopicInfo",
        "CryptoService/getTransactionReceipts",
        "CryptoService/getTxRecordByTxID",
        "CryptoService/cryptoGetBalance",
        "CryptoService/getAccountInfo",
        "NetworkService/getVersionInfo",
    ],
)
async def test_queries(method: str) -> None:
    async with running() as devnet:
        wanted = receipt_query(Ground().submit(TopicId(0, 0, 7)))
        assert (await ask(devnet, FIRST, method, wanted)).WhichOneof("response") is not None


async def test_a_node_that_moved_answers_elsewhere_and_another_at_its_old_place() -> None:
    async with running() as devnet:
        client, old = Client(devnet), dict(devnet.nodes)
        address = await devnet.move_node(FIRST)
        assert address == devnet.nodes[FIRST] != old[FIRST]
        assert list(devnet.nodes) == list(old)
        body = client.draft()
        assert await client.send(body) == "OK"
        devnet.nodes[FIRST] = old[FIRST]
        assert await client.send(body) == "INVALID_NODE_ACCOUNT"
        assert await client.receipt(body) == ("OK", "INVALID_TOPIC_ID")
        body.nodeAccountID.CopyFrom(protos.account(SECOND))
        assert await client.send(client.draft(SECOND), SECOND) == "OK"
