"""A node behind TLS, with a certificate of its own making, that takes what any other node would."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from topics.ledger.hapi import get_balance, get_receipt, query, response, response_code, response_header


def made_certificate(*, name: str = "127.0.0.1", alternative: str | None = None) -> tuple[bytes, bytes]:
    """Private key and self-signed certificate, both PEM."""
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    if alternative is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(alternative)]), critical=False)
    certificate = builder.sign(key, hashes.SHA384())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


def hash_of(certificate: bytes) -> str:
    """As the address book has it."""
    return hashlib.sha384(certificate).hexdigest()


@asynccontextmanager
async def tls_node(made: tuple[bytes, bytes], *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Its `host:port`; every account has 7 tinybar there, and no transaction a receipt."""

    async def balance(_: query.Query, __: Any) -> response.Response:
        return response.Response(cryptogetAccountBalance=get_balance.CryptoGetAccountBalanceResponse(balance=7))

    async def receipt(_: query.Query, __: Any) -> response.Response:
        header = response_header.ResponseHeader(nodeTransactionPrecheckCode=response_code.RECEIPT_NOT_FOUND)
        return response.Response(transactionGetReceipt=get_receipt.TransactionGetReceiptResponse(header=header))

    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=query.Query.FromString,
            response_serializer=response.Response.SerializeToString,
        )
        for name, answer in (("cryptoGetBalance", balance), ("getTransactionReceipts", receipt))
    }
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    service = grpc.method_handlers_generic_handler("proto.CryptoService", handlers)
    server.add_generic_rpc_handlers((service,))
    bound = server.add_secure_port(f"{host}:{port}", grpc.ssl_server_credentials([made]))
    await server.start()
    try:
        yield f"{host}:{bound}"
    finally:
        await server.stop(None)
