"""The Java SDK and TLS: only the address book's certificate will do, and only the port that it takes for TLS."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.topics.client import QUICK
from tests.topics.ledger.tls_node import hash_of, tls_node
from topics.ledger.grpc_ledger import Operator
from topics.ledger.jvm_ledger import JvmLedger, target_of
from topics.ledger.jvm_wire import AskBalance, NoAnswer
from topics.ledger.nodes import Node
from topics.ledger.operator_key import OperatorKey
from topics.networks import TLS_PORT
from topics.values import AccountId

NODE = AccountId(0, 0, 3)
OPERATOR = Operator(AccountId(0, 0, 2), OperatorKey.parse("11" * 32, kind="ed25519"), lambda: pytest.fail("paid"))


def made_certificate() -> tuple[bytes, bytes]:
    """Private key and certificate, PEM; good for 127.0.0.1, the name that the SDK gives to every node."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA384())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


async def test_only_the_certificate_of_the_address_book_will_do() -> None:
    certificate = made_certificate()
    # an address of its own: at the usual one, the port may be some connection's that begins there
    async with tls_node(certificate, host="127.0.0.2", port=TLS_PORT) as address:
        old = Node(NODE, address, tls=True, certificate_hash="00" * 48)
        new = dataclasses.replace(old, certificate_hash=hash_of(certificate[1]))
        looked_up: list[Node] = []

        async def address_book() -> list[Node]:
            looked_up.append(new)
            return [new]

        ledger = JvmLedger([old], operator=OPERATOR, settings=QUICK, address_book=address_book)
        assert await ledger.balance() == 7
        assert looked_up == [new]
        refused = await ledger.process.ask(lambda number: AskBalance(number, target_of(old), 1.0, "0.0.2"))
        assert isinstance(refused, NoAnswer)  # the SDK holds the certificate against the hash by itself too
        await ledger.close()


async def test_nodes_that_the_sdk_would_speak_to_otherwise_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    nodes = [
        Node(NODE, "127.0.0.1:50211"),
        Node(AccountId(0, 0, 4), "127.0.0.1:50212"),
        Node(AccountId(0, 0, 5), "127.0.0.1:50213", tls=True),
    ]
    ledger = JvmLedger(nodes, operator=OPERATOR, settings=QUICK)
    assert set(ledger.node_failures()) == {NODE}
    assert "node 0.0.4 at 127.0.0.1:50212 is left out" in caplog.text
    await ledger.close()
    with pytest.raises(ValueError, match="at least one consensus node"):
        JvmLedger(nodes[1:], operator=OPERATOR, settings=QUICK)
