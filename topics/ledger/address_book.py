"""The mirror's address book as nodes that can be called."""

from __future__ import annotations

from collections.abc import Sequence

from topics.ledger.nodes import Node
from topics.mirror.answers import MirrorNode
from topics.networks import TLS_PORT


def nodes_in(book: Sequence[MirrorNode], *, tls: bool) -> list[Node]:
    """Each node's first address of that kind; without one, or for TLS without a certificate hash, it is left out."""
    found = []
    for entry in book:
        fitting = [address for address in entry.addresses if (address.rpartition(":")[2] == str(TLS_PORT)) is tls]
        if fitting and (entry.certificate_hash or not tls):
            found.append(Node(entry.account, fitting[0], tls=tls, certificate_hash=entry.certificate_hash))
    return found
