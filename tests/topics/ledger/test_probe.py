"""One node is asked whether it serves, for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.topics.client import QUICK
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.errors import Unavailable
from topics.ledger.node_calls import NodeCalls
from topics.ledger.nodes import Node
from topics.ledger.probe import probe


@pytest.fixture
async def calls(devnet: Devnet) -> AsyncIterator[NodeCalls]:
    """To every node of the devnet."""
    calls = NodeCalls([Node(account, address) for account, address in devnet.nodes.items()], QUICK)
    yield calls
    await calls.close()


async def test_every_node_answers_and_nothing_is_spent(devnet: Devnet, calls: NodeCalls) -> None:
    for node in calls.nodes:
        await probe(calls, node, devnet.operator_id)
    assert len(devnet.network.mirror.transactions()) == 0


async def test_a_node_that_lost_its_receipts_still_serves(devnet: Devnet, calls: NodeCalls) -> None:
    devnet.faults.inject(Fault.RECEIPTS_EXPIRED)
    for node in calls.nodes:
        await probe(calls, node, devnet.operator_id)


async def test_a_node_that_is_down_is_told(devnet: Devnet, calls: NodeCalls) -> None:
    devnet.faults.inject(Fault.NODE_DOWN)
    for node in calls.nodes:
        with pytest.raises(Unavailable, match="UNAVAILABLE"):
            await probe(calls, node, devnet.operator_id)
