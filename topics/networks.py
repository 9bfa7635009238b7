"""The public networks by name: nodes to begin with, and a mirror that knows the others; pure values.

Sources: docs.hedera.com, "Mainnet / Testnet Consensus Nodes" and "Mirror Nodes", and the SDKs' own first lists. Nodes
come, go and move, so these few are only what the address book is waited for with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from topics.values import AccountId

PLAIN_PORT, TLS_PORT = 50211, 50212


@dataclass(frozen=True, slots=True)
class PublicNetwork:
    """Hosts of the nodes 0.0.3, 0.0.4 … in this order, and the public mirror's REST."""

    hosts: Sequence[str]
    mirror_url: str

    @property
    def mirror_streams(self) -> str:
        """`host:port` of the same mirror's gRPC side, over TLS."""
        return f"{self.mirror_url.removeprefix('https://')}:443"

    def nodes(self, *, tls: bool) -> list[tuple[AccountId, str]]:
        """Account and `host:port` of each."""
        port = TLS_PORT if tls else PLAIN_PORT
        return [(AccountId(0, 0, number), f"{host}:{port}") for number, host in enumerate(self.hosts, 3)]


PUBLIC = {
    "mainnet": PublicNetwork(
        ("35.237.200.180", "35.186.191.247", "35.192.2.25", "35.199.161.108", "35.203.82.240", "35.236.5.219"),
        "https://mainnet-public.mirrornode.hedera.com",
    ),
    "testnet": PublicNetwork(
        tuple(f"{number}.testnet.hedera.com" for number in range(7)), "https://testnet.mirrornode.hedera.com"
    ),
    "previewnet": PublicNetwork(
        tuple(f"{number}.previewnet.hedera.com" for number in range(4)), "https://previewnet.mirrornode.hedera.com"
    ),
}
