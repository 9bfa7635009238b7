"""One mirror of the network: REST and gRPC on ports of their own, with faults of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiohttp import web

from topics.devnet.faults import Faults, Side
from topics.devnet.mirror_faults import MirrorFaults
from topics.devnet.mirror_grpc import MirrorGrpc
from topics.devnet.mirror_rest import MirrorRest
from topics.devnet.mirror_rows import Row
from topics.devnet.mirror_watch import Watch
from topics.devnet.network import Network
from topics.values import AccountId


class Mirror:
    """Mirror `number`, from 0. `nodes` is account → `host:port`; `others` are routes that the REST port serves, too."""

    def __init__(
        self,
        network: Network,
        faults: Faults,
        *,
        number: int,
        watch: Watch,
        nodes: Mapping[AccountId, str],
        others: Iterable[web.RouteDef] = (),
    ) -> None:
        self._settings = network.settings
        self._number = number

        def seen(side: Side) -> MirrorFaults:
            return MirrorFaults(faults, network.settings, number=number, side=side)

        self.rest = MirrorRest(network, seen(Side.REST), nodes, others)
        self.grpc = MirrorGrpc(network, seen(Side.GRPC), watch, nodes)

    async def start(self) -> None:
        """Listen on both ports. Raises PortTaken; stop it then."""
        await self.rest.start(self._port(self._settings.mirror_port))
        await self.grpc.start(self._settings.host, self._port(self._settings.mirror_grpc_port))

    async def stop(self) -> None:
        """Cut every connection and listen no more."""
        await self.grpc.stop()
        await self.rest.stop()

    def row(self) -> Row:
        """Where it is, and what it is asked: REST requests up to now, those answered 429, streams that are open."""
        return {
            "rest": self.rest.url,
            "grpc": self.grpc.address,
            "requests": self.rest.requests,
            "limited": self.rest.limited,
            "streams": self.grpc.streams,
        }

    def _port(self, first: int) -> int:
        """The first mirror's port is the one in the settings; a free one, where that says so."""
        return first + self._number if first else 0
