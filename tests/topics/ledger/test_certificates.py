"""A certificate counts by its hash alone, and a node without the right one is not spoken to."""

from __future__ import annotations

import socket

import pytest

from tests.topics.ledger.tls_node import hash_of, made_certificate, tls_node
from topics.errors import Unavailable
from topics.ledger.certificates import CertificateRefused, check, fetch, name_in


async def test_what_a_node_shows_is_what_it_has() -> None:
    made = made_certificate()
    async with tls_node(made) as address:
        pem = await fetch(address, timeout_s=5)
    assert pem.encode() == made[1]
    check(pem, hash_of(made[1]), "node")
    check(pem, "0x" + hash_of(made[1]).upper(), "node")


@pytest.mark.parametrize("expected", ["", "ab" * 48])
def test_another_hash_or_none_is_refused(expected: str) -> None:
    _, certificate = made_certificate()
    with pytest.raises(CertificateRefused, match="hash"):
        check(certificate.decode(), expected, "node 0.0.3")


async def test_nobody_there_or_no_tls_there_is_unavailable() -> None:
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable):
            await fetch(f"127.0.0.1:{gone.getsockname()[1]}", timeout_s=5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unavailable, match="no TLS"):
            await fetch(f"127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.1)


def test_the_name_is_the_alternative_or_the_common_one() -> None:
    assert name_in(made_certificate()[1].decode()) == "127.0.0.1"
    assert name_in(made_certificate(alternative="node.example")[1].decode()) == "node.example"
