"""The whole network in one process: two nodes and a mirror on real ports around one state machine."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from topics.devnet.control import Control
from topics.devnet.faults import Faults
from topics.devnet.journal import Begun, Journal, JournalDamaged, Started
from topics.devnet.made_keys import MadeKey, make_ed25519, read_ed25519
from topics.devnet.mirror import Mirror
from topics.devnet.mirror_watch import Watch
from topics.devnet.network import Network
from topics.devnet.node import Node
from topics.devnet.node_server import NodeServer
from topics.devnet.replay import replay
from topics.devnet.settings import HBAR, DevnetSettings
from topics.devnet.state import NODES, OPERATOR
from topics.devnet.throttle import Throttle
from topics.values import AccountId


class Devnet:
    """`async with Devnet(settings) as devnet:` — listens inside the block. Entering raises PortTaken.

    `nodes` maps node accounts to `host:port`; of `mirrors` there are as many as the settings say. The operator's key is
    made on the spot, DER as hex. With a directory in the settings everything is as it was when the last network there
    stopped (`resumed`, if there was one); making it raises JournalHeld, JournalDamaged, OSError then.
    """

    def __init__(self, settings: DevnetSettings | None = None) -> None:
        self.settings = settings or DevnetSettings()
        self.faults = Faults(self.settings.clock)
        self.nodes: dict[AccountId, str] = {}
        self.operator_id = OPERATOR
        self.resumed = False
        directory = self.settings.directory
        if directory is None:
            self._journal = None
            self.network, self.operator_key = self._begin(self._beginning())
        else:
            self._journal = Journal(directory, fresh=self.settings.fresh)
            try:
                self.network, self.operator_key = self._resume(self._journal)
            except BaseException:
                self._journal.close()
                raise
        self._servers = [NodeServer(self._node(account)) for account in NODES]
        self._watch = Watch(self.network)
        self.faults.on_change.append(self._watch.wake_all)
        self.mirrors = [self._mirror(number) for number in range(self.settings.mirrors)]
        self._watching: asyncio.Task[None] | None = None

    @property
    def mirror_url(self) -> str:
        """`http://host:port` of the first mirror, to which `/api/v1/…` is appended."""
        return self.mirrors[0].rest.url

    @property
    def mirror_grpc_address(self) -> str:
        """`host:port` of the first mirror's gRPC side, without TLS."""
        return self.mirrors[0].grpc.address

    def create_account(
        self, *, balance_tinybar: int = 1000 * HBAR, key: MadeKey | None = None
    ) -> tuple[AccountId, str]:
        """An account out of nothing, at once; its id and its private key come back."""
        made = key or make_ed25519()
        now_ns = self.settings.clock()
        account = self.network.open_account(made.public, balance=balance_tinybar, now_ns=now_ns)
        return account.entity.id, made.private_der_hex

    async def move_node(self, account: AccountId, port: int = 0) -> str:
        """Let a node answer at another port from now on, as the mirror's /network/nodes says; the new address.

        At its old one another node answers from then on, to which its transactions are INVALID_NODE_ACCOUNT.
        Raises PortTaken.
        """
        left = next(each for each in self._servers if each.address == self.nodes[account])
        moved = NodeServer(left.node)
        await moved.start(self.settings.host, port)
        self._servers.append(moved)
        left.node = next(each.node for each in self._servers if each.node.account != account)
        self.nodes[account] = moved.address
        return moved.address

    async def __aenter__(self) -> Self:
        try:
            for server, port in zip(self._servers, self.settings.node_ports, strict=True):
                await server.start(self.settings.host, port)
                self.nodes[server.node.account] = server.address
            for mirror in self.mirrors:
                await mirror.start()
            self._watching = asyncio.create_task(self._watch.run(), name="devnet watch")
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        for mirror in self.mirrors:
            await mirror.stop()
        for server in self._servers:
            await server.stop()
        if self._journal is not None:
            self._journal.close()

    def _beginning(self) -> Begun:
        balance = self.settings.operator_balance_tinybar
        return Begun(self.settings.clock(), make_ed25519().private_der_hex, balance)

    def _begin(self, begun: Begun) -> tuple[Network, str]:
        network = Network(self.settings, genesis_ns=begun.genesis_ns)
        key = read_ed25519(begun.operator_key)
        network.open_account(key.public, balance=begun.balance, now_ns=begun.genesis_ns)
        return network, begun.operator_key

    def _resume(self, journal: Journal) -> tuple[Network, str]:
        """Go on from the journal's end, or begin one."""
        entries = journal.entries()
        begun = next(entries, None)
        if begun is None:
            begun = self._beginning()
            journal.add(begun)
        else:
            self.resumed = True
        if not isinstance(begun, Begun):
            raise JournalDamaged(journal.path, "it has no beginning")
        network, key = self._begin(begun)
        replay(network, entries, journal.path)
        rate = network.state.rate = self.settings.exchange_rate
        journal.add(Started(rate.hbar_equivalent, rate.cent_equivalent))
        journal.flush()
        network.journal = journal
        return network, key

    def _mirror(self, number: int) -> Mirror:
        control = Control(
            self.network, self.faults, move=self.move_node, mirrors=lambda: [each.row() for each in self.mirrors]
        )
        others = [] if number else control.routes()
        return Mirror(self.network, self.faults, number=number, watch=self._watch, nodes=self.nodes, others=others)

    def _node(self, account: AccountId) -> Node:
        per_s = self.settings.create_throttle_per_s / len(NODES)
        return Node(self.network, account, self.faults, throttle=Throttle(per_s) if per_s else None)
