"""The whole network in one process: two nodes and a mirror on real ports around one state machine."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from topics.devnet.faults import Faults
from topics.devnet.made_keys import MadeKey, make_ed25519
from topics.devnet.mirror_rest import MirrorRest
from topics.devnet.network import Network
from topics.devnet.node import Node
from topics.devnet.settings import HBAR, DevnetSettings
from topics.devnet.state import NODES
from topics.values import AccountId


class Devnet:
    """`async with Devnet(settings) as devnet:` — listens inside the block. Entering raises PortTaken.

    `nodes` maps node accounts to `host:port`. The operator's key is made on the spot, DER as hex.
    """

    def __init__(self, settings: DevnetSettings | None = None) -> None:
        self.settings = settings or DevnetSettings()
        now_ns = self.settings.clock()
        self.network = Network(self.settings, genesis_ns=now_ns)
        self.faults = Faults()
        self.nodes: dict[AccountId, str] = {}
        self.operator_id, self.operator_key = self.create_account(
            balance_tinybar=self.settings.operator_balance_tinybar
        )
        self._nodes = [Node(self.network, account, self.faults) for account in NODES]
        self._mirror = MirrorRest(self.network, self.faults, self.nodes)

    @property
    def mirror_url(self) -> str:
        """`http://host:port`, to which `/api/v1/…` is appended."""
        return self._mirror.url

    def create_account(
        self, *, balance_tinybar: int = 1000 * HBAR, key: MadeKey | None = None
    ) -> tuple[AccountId, str]:
        """An account out of nothing, at once; its id and its private key come back."""
        made = key or make_ed25519()
        now_ns = self.settings.clock()
        account = self.network.open_account(made.public, balance=balance_tinybar, now_ns=now_ns)
        return account.entity.id, made.private_der_hex

    async def __aenter__(self) -> Self:
        try:
            for node, port in zip(self._nodes, self.settings.node_ports, strict=True):
                await node.start(port)
                self.nodes[node.account] = node.address
            await self._mirror.start(self.settings.mirror_port)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await self._mirror.stop()
        for node in self._nodes:
            await node.stop()
