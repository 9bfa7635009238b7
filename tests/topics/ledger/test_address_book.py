"""The address book gives each node one address of the kind that is wanted."""

from __future__ import annotations

from topics.ledger.address_book import nodes_in
from topics.ledger.nodes import Node
from topics.mirror.answers import MirrorNode
from topics.values import AccountId

THREE, FOUR = AccountId(0, 0, 3), AccountId(0, 0, 4)
BOOK = [
    MirrorNode(0, THREE, ("10.0.0.1:50212", "10.0.0.1:50211", "10.0.0.2:50211"), "ab" * 48),
    MirrorNode(1, FOUR, ("node.example:50211",), ""),
    MirrorNode(2, AccountId(0, 0, 5), (), "cd" * 48),
]


def test_in_clear_the_first_address_that_is_not_for_tls() -> None:
    assert [(node.account, node.address, node.tls) for node in nodes_in(BOOK, tls=False)] == [
        (THREE, "10.0.0.1:50211", False),
        (FOUR, "node.example:50211", False),
    ]


def test_over_tls_only_with_a_certificate_hash() -> None:
    assert nodes_in(BOOK, tls=True) == [Node(THREE, "10.0.0.1:50212", tls=True, certificate_hash="ab" * 48)]
    assert nodes_in([MirrorNode(0, THREE, ("10.0.0.1:50212",), "")], tls=True) == []
