"""The whole network starts, stops and says where it is."""

from __future__ import annotations

import socket

import pytest
from hiero_sdk_python import PrivateKey

from tests.topics.devnet.running import get, running
from topics.devnet.devnet import Devnet
from topics.devnet.made_keys import make_ecdsa
from topics.devnet.ports import PortTaken
from topics.devnet.settings import HBAR, DevnetSettings
from topics.devnet.state import NODES, OPERATOR


async def test_where_everything_is() -> None:
    async with running() as devnet:
        assert list(devnet.nodes) == list(NODES)
        assert len(set(devnet.nodes.values())) == 2
        assert devnet.operator_id == OPERATOR
        status, account, _ = await get(f"{devnet.mirror_url}/api/v1/accounts/{devnet.operator_id}")
        assert (status, account["balance"]["balance"]) == (200, 1_000_000 * HBAR)
        public = PrivateKey.from_string_der(devnet.operator_key).public_key()
        assert account["key"] == {"_type": "ED25519", "key": public.to_string_raw()}


async def test_accounts_on_the_spot() -> None:
    async with running() as devnet:
        key = make_ecdsa()
        account_id, private = devnet.create_account(balance_tinybar=5, key=key)
        assert private == key.private_der_hex
        _, account, _ = await get(f"{devnet.mirror_url}/api/v1/accounts/{account_id}")
        assert account["balance"]["balance"] == 5
        assert devnet.create_account()[0].num == account_id.num + 1


async def test_two_networks_side_by_side() -> None:
    async with running() as one, running() as two:
        assert one.operator_key != two.operator_key
        assert set(one.nodes.values()).isdisjoint(two.nodes.values())


@pytest.mark.parametrize("which", ["node", "mirror"])
async def test_a_taken_port_stops_the_start_and_leaves_nothing_behind(which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = server.getsockname()[1], other.getsockname()[1]
        other.close()
        settings = (
            DevnetSettings(node_ports=(free, taken))
            if which == "node"
            else DevnetSettings(node_ports=(free, 0), mirror_port=taken)
        )
        with pytest.raises(PortTaken, match=f"127.0.0.1:{taken}"):
            async with Devnet(settings):
                pass
    async with Devnet(DevnetSettings(node_ports=(free, 0))) as devnet:
        assert devnet.nodes[NODES[0]] == f"127.0.0.1:{free}"
