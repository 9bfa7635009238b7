"""The mirror's pages about the network."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.topics.devnet.ground import FIRST, NOON_NS, SECOND, Ground
from topics.devnet.mirror_network import NetworkPages
from topics.devnet.mirror_view import MirrorView
from topics.values import parse_timestamp

NODES = {FIRST: "127.0.0.1:50211", SECOND: "127.0.0.1:50212"}


def asking(query: str = "") -> web.Request:
    return make_mocked_request("GET", f"/api/v1/any?{query}")


def test_nodes() -> None:
    network = Ground().network
    pages, view = NetworkPages(network, NODES), MirrorView(network.mirror)
    rows: list[dict[str, Any]] = pages.nodes(asking(), view)["nodes"]
    assert [row["node_account_id"] for row in rows] == ["0.0.3", "0.0.4"]
    assert rows[0]["service_endpoints"] == [{"domain_name": "", "ip_address_v4": "127.0.0.1", "port": 50211}]
    assert [row["node_id"] for row in pages.nodes(asking("order=desc&limit=1"), view)["nodes"]] == [1]


def test_rate_and_fees() -> None:
    ground = Ground()
    pages, view = NetworkPages(ground.network, NODES), MirrorView(ground.network.mirror)
    rate = pages.exchange_rate(asking(), view)["current_rate"]
    assert (rate["hbar_equivalent"], rate["cent_equivalent"]) == (30_000, 360_000)
    assert rate["expiration_time"] * 10**9 > NOON_NS
    names = [each["transaction_type"] for each in pages.fees(asking(), view)["fees"]]
    assert names == ["ContractCall", "ContractCreate", "EthereumTransaction"]
    assert [each["transaction_type"] for each in pages.fees(asking("order=desc"), view)["fees"]] == names[::-1]


def test_blocks_go_on_without_traffic_and_never_ahead_of_the_mirror() -> None:
    ground = Ground(mirror_delay_s=2)
    pages, view = NetworkPages(ground.network, NODES), MirrorView(ground.network.mirror)
    assert pages.blocks(asking("limit=1"), view)["blocks"] == []
    ground.run(ground.submit(ground.create_topic()))
    ground.advance(9)
    [newest] = pages.blocks(asking("limit=1"), view)["blocks"]
    assert newest["number"] == 2
    assert NOON_NS < parse_timestamp(newest["timestamp"]["to"]) <= ground.network.mirror.fresh_ns
    everything = pages.blocks(asking("order=asc"), view)["blocks"]
    assert [(row["number"], row["count"]) for row in everything] == [(0, 2), (1, 0), (2, 0)]
    assert everything[1]["previous_hash"] == everything[0]["hash"]
    assert [row["number"] for row in pages.blocks(asking(), view)["blocks"]] == [2, 1, 0]
