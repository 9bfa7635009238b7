"""A node that turns out to be another: the address book is asked once, and the call goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.topics.client import QUICK, client_of
from tests.topics.ledger.tls_node import hash_of, made_certificate, tls_node
from topics.devnet.devnet import Devnet
from topics.errors import Unavailable
from topics.ledger.grpc_ledger import GrpcLedger, Operator
from topics.ledger.nodes import Node
from topics.ledger.operator_key import OperatorKey
from topics.values import AccountId

THREE = AccountId(0, 0, 3)


@dataclass(slots=True)
class Book:
    """An address book that counts how often it is opened."""

    nodes: Sequence[Node] | Unavailable
    asked: int = 0

    async def __call__(self) -> Sequence[Node]:
        self.asked += 1
        if isinstance(self.nodes, Unavailable):
            raise self.nodes
        return self.nodes


@asynccontextmanager
async def ledger_of(devnet: Devnet, node: Node, book: Book) -> AsyncIterator[GrpcLedger]:
    operator = Operator(devnet.operator_id, OperatorKey.parse(devnet.operator_key), lambda: pytest.fail("not paid"))
    ledger = GrpcLedger([node], operator=operator, settings=QUICK, address_book=book)
    yield ledger
    await ledger.close()


def true_nodes(devnet: Devnet) -> list[Node]:
    return [Node(account, address) for account, address in devnet.nodes.items()]


async def test_after_a_change_of_addresses_the_call_goes_on(devnet: Devnet) -> None:
    wrong = Node(AccountId(0, 0, 33), devnet.nodes[THREE])
    book = Book(true_nodes(devnet))
    async with client_of(devnet) as client, ledger_of(devnet, wrong, book) as ledger:
        for _ in range(3):
            creation = client.creation()
            await ledger.create_topic(creation)
            assert (await ledger.receipt(creation.id)).status == "SUCCESS"
    assert book.asked == 1
    assert set(ledger.node_failures()) == set(devnet.nodes)


@pytest.mark.parametrize("nodes", [[], Unavailable("the mirror", "gone")])
async def test_a_book_that_tells_nothing_changes_nothing_and_is_not_asked_again_and_again(
    devnet: Devnet, nodes: Sequence[Node] | Unavailable
) -> None:
    wrong = Node(AccountId(0, 0, 33), devnet.nodes[THREE])
    book = Book(nodes)
    async with client_of(devnet) as client, ledger_of(devnet, wrong, book) as ledger:
        with pytest.raises(Unavailable, match="INVALID_NODE_ACCOUNT"):
            await ledger.create_topic(client.creation())
        assert set(ledger.node_failures()) == {AccountId(0, 0, 33)}
    assert book.asked == 1


async def test_the_certificates_hash_is_learnt_from_the_book(devnet: Devnet) -> None:
    made = made_certificate()
    async with tls_node(made) as address:
        book = Book([Node(THREE, address, tls=True, certificate_hash=hash_of(made[1]))])
        async with ledger_of(devnet, Node(THREE, address, tls=True), book) as ledger:
            assert await ledger.balance() == 7
    assert book.asked == 1


async def test_a_node_without_the_books_certificate_is_not_used(devnet: Devnet) -> None:
    async with tls_node(made_certificate()) as address:
        node = Node(THREE, address, tls=True, certificate_hash="ab" * 48)
        async with ledger_of(devnet, node, Book([node])) as ledger:
            with pytest.raises(Unavailable, match="certificate"):
                await ledger.balance()
