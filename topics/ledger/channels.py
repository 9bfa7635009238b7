"""One gRPC channel a node, opened when first needed; over TLS only to the certificate of the address book."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import grpc.aio

from topics.ledger import certificates
from topics.ledger.certificates import CertificateRefused
from topics.ledger.hapi import consensus_grpc, crypto_grpc
from topics.ledger.nodes import Node
from topics.ledger.settings import LedgerSettings

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Services(NamedTuple):
    """A node's services. Making a stub costs more than a call, so they are kept."""

    channel: grpc.aio.Channel
    consensus: Any
    crypto: Any


class Channels:
    """The open channels. A channel reconnects by itself; who is asked next is for `Nodes` to say."""

    def __init__(self, settings: LedgerSettings) -> None:
        self._options = _options(settings)
        self._timeout_s = settings.request_timeout_s
        self._open: dict[Node, Services] = {}

    async def check(self, node: Node) -> None:
        """Make `of` usable for a node with TLS; for others and the second time nothing is to be done.

        The certificate that was checked is the only one which the channel then takes, whoever answers later.
        Raises Unavailable, CertificateRefused.
        """
        if not node.tls or node in self._open:
            return
        pem = await certificates.fetch(node.address, timeout_s=self._timeout_s)
        certificates.check(pem, node.certificate_hash, str(node))
        if node not in self._open:
            credentials = grpc.ssl_channel_credentials(pem.encode())
            name = ("grpc.ssl_target_name_override", certificates.name_in(pem))
            options = [*self._options, *_direct(node), name]
            self._open[node] = _services(grpc.aio.secure_channel(node.address, credentials, options=options))

    def of(self, node: Node) -> Services:
        """The node's stubs; the connection is made by the first call. With TLS only after `check`."""
        services = self._open.get(node)
        if services is None:
            if node.tls:
                raise CertificateRefused(str(node), "its certificate has not been checked")
            channel = grpc.aio.insecure_channel(node.address, options=[*self._options, *_direct(node)])
            services = self._open[node] = _services(channel)
        return services

    async def close(self) -> None:
        """Close all; calls still under way are cancelled."""
        services, self._open = list(self._open.values()), {}
        for service in services:
            await service.channel.close(None)


def _services(channel: grpc.aio.Channel) -> Services:
    return Services(
        channel,
        consensus_grpc.ConsensusServiceStub(channel),  # type: ignore[no-untyped-call] # generated code
        crypto_grpc.CryptoServiceStub(channel),  # type: ignore[no-untyped-call] # generated code
    )


def _direct(node: Node) -> Sequence[tuple[str, int]]:
    return [("grpc.enable_http_proxy", 0)] if node.address.rpartition(":")[0] in _LOOPBACK else []


def _options(settings: LedgerSettings) -> Sequence[tuple[str, int]]:
    return (
        # Retries belong to the ledger, which signs anew for each node.
        ("grpc.enable_retries", 0),
        # Without these a node that was down a while is not tried again for up to two minutes.
        ("grpc.initial_reconnect_backoff_ms", _ms(settings.backoff_initial_s)),
        ("grpc.max_reconnect_backoff_ms", _ms(settings.backoff_max_s)),
        # By its name a pause as well; what it bounds is how long one attempt to connect may take.
        ("grpc.min_reconnect_backoff_ms", _ms(settings.request_timeout_s)),
        # Connections are otherwise shared within the process, and with them another client's back-off.
        ("grpc.use_local_subchannel_pool", 1),
    )


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
