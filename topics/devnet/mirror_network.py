"""The mirror's pages about the network itself: nodes, fees, exchange rate, blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from aiohttp import web

from topics.devnet.mirror_parameters import Parameters
from topics.devnet.mirror_rows import Row
from topics.devnet.mirror_view import MirrorView
from topics.devnet.network import Network
from topics.devnet.queries import HAPI_VERSION
from topics.devnet.record import HOUR_NS
from topics.values import AccountId, format_timestamp

BLOCK_S = 2
GAS = {"ContractCall": 852_000, "ContractCreate": 990_000, "EthereumTransaction": 852_000}


class NetworkPages:
    """Answers by what the network is at the moment. `nodes` is account → `host:port`, complete by the first call."""

    def __init__(self, network: Network, nodes: Mapping[AccountId, str]) -> None:
        self._network = network
        self._nodes = nodes

    def nodes(self, request: web.Request, view: MirrorView) -> Row:
        """The address book. Nodes here have no certificate: they are reached without TLS."""
        asked = Parameters(request.query_string, ("file.id", "limit", "node.id", "order"))
        rows = [self._node(number, account) for number, account in enumerate(self._nodes)]
        if asked.descending(default="asc"):
            rows.reverse()
        return {"nodes": rows[: asked.limit], "links": {"next": None}}

    def _node(self, number: int, account: AccountId) -> Row:
        host, _, port = self._nodes[account].rpartition(":")
        return {
            "admin_key": None,
            "decline_reward": False,
            "description": f"devnet node {number}",
            "file_id": "0.0.102",
            "grpc_proxy_endpoint": None,
            "max_stake": 0,
            "memo": str(account),
            "min_stake": 0,
            "node_account_id": str(account),
            "node_cert_hash": "0x",
            "node_id": number,
            "public_key": "0x",
            "reward_rate_start": 0,
            "service_endpoints": [{"domain_name": "", "ip_address_v4": host, "port": int(port)}],
            "stake": 0,
            "stake_not_rewarded": 0,
            "stake_rewarded": 0,
            "staking_period": None,
            "timestamp": {"from": format_timestamp(self._network.state.genesis_ns), "to": None},
        }

    def fees(self, request: web.Request, view: MirrorView) -> Row:
        """Gas only, as the mirror has it; the prices of HCS are no business of this page."""
        asked = Parameters(request.query_string, ("order", "timestamp"))
        names = sorted(GAS, reverse=asked.descending(default="asc"))
        fees = [{"gas": GAS[name], "transaction_type": name} for name in names]
        return {"fees": fees, "timestamp": format_timestamp(view.fresh_ns)}

    def exchange_rate(self, request: web.Request, view: MirrorView) -> Row:
        """This hour's and the next one's, which are the same here."""
        Parameters(request.query_string, ("timestamp",))
        fresh_ns, rate = view.fresh_ns, self._network.state.rate
        hour = fresh_ns // HOUR_NS + 1

        def until(hours: int) -> Row:
            return {
                "cent_equivalent": rate.cent_equivalent,
                "expiration_time": hours * 3600,
                "hbar_equivalent": rate.hbar_equivalent,
            }

        return {
            "current_rate": until(hour),
            "next_rate": until(hour + 1),
            "timestamp": format_timestamp(fresh_ns),
        }

    def blocks(self, request: web.Request, view: MirrorView) -> Row:
        """A block for every two seconds of consensus time, traffic or none: a real network never rests."""
        asked = Parameters(request.query_string, ("block.number", "limit", "order", "timestamp"))
        descending, limit = asked.descending(default="desc"), asked.limit
        count = (view.fresh_ns - self._network.state.genesis_ns) // self._block_ns
        numbers = range(count - 1, max(-1, count - 1 - limit), -1) if descending else range(min(count, limit))
        return {"blocks": [self._block(number, view) for number in numbers], "links": {"next": None}}

    @property
    def _block_ns(self) -> int:
        return self._network.settings.scaled_ns(BLOCK_S)

    def _block(self, number: int, view: MirrorView) -> Row:
        from_ns = self._network.state.genesis_ns + number * self._block_ns
        to_ns = from_ns + self._block_ns - 1
        return {
            "count": len(view.transactions().indices(from_ns, to_ns)),
            "gas_used": 0,
            "hapi_version": ".".join(map(str, HAPI_VERSION)),
            "hash": _hash(number),
            "logs_bloom": "0x",
            "name": f"{format_timestamp(from_ns).replace('.', '_')}.rcd.gz",
            "number": number,
            "previous_hash": _hash(number - 1),
            "size": 0,
            "timestamp": {"from": format_timestamp(from_ns), "to": format_timestamp(to_ns)},
        }


def _hash(number: int) -> str:
    # Blocks carry no proofs here; their hashes only have to differ and to be stable.
    return "0x" + hashlib.sha384(b"block" + number.to_bytes(8, "big", signed=True)).hexdigest()
