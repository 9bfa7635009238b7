"""The whole network starts, stops and says where it is."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hiero_sdk_python import PrivateKey

from tests.topics.devnet.running import get, running
from tests.topics.devnet.test_node import Client
from topics.devnet.devnet import Devnet
from topics.devnet.journal import Begun, Journal, JournalDamaged, Started
from topics.devnet.ledger_rows import ledger_rows
from topics.devnet.made_keys import make_ecdsa, make_ed25519
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


async def test_kept_in_a_directory(tmp_path: Path) -> None:
    async with running(directory=tmp_path) as devnet:
        client = Client(devnet)
        assert not devnet.resumed
        await client.send(client.draft())
        before, (account_id, _) = ledger_rows(devnet.network), devnet.create_account()
    async with running(directory=tmp_path, operator_balance_tinybar=1) as again:
        assert again.resumed
        assert (again.operator_id, again.operator_key) == (devnet.operator_id, devnet.operator_key)
        after = ledger_rows(again.network)
        assert after["transactions"] == before["transactions"]
        assert [each["account"] for each in after["accounts"]] == [
            *(each["account"] for each in before["accounts"]),
            str(account_id),
        ]
        assert again.network.state.genesis_ns == devnet.network.state.genesis_ns
        status, page, _ = await get(f"{again.mirror_url}/api/v1/transactions?account.id={client.payer}")
        assert (status, [each["result"] for each in page["transactions"]]) == (200, ["INVALID_TOPIC_ID"])
    async with running(directory=tmp_path, fresh=True) as anew:
        assert anew.operator_key != devnet.operator_key
        assert list(anew.network.mirror.everything()) == []


async def test_a_start_that_was_cut_off_is_made_good(tmp_path: Path) -> None:
    begun = Journal(tmp_path)
    list(begun.entries())
    key = make_ed25519()
    begun.add(Begun(5, key.private_der_hex, 7))
    begun.close()
    async with running(directory=tmp_path) as devnet:
        assert devnet.operator_key == key.private_der_hex
        assert devnet.network.state.accounts[OPERATOR].balance == 7


def test_a_journal_without_its_beginning_is_refused_and_let_go(tmp_path: Path) -> None:
    for _ in range(2):
        journal = Journal(tmp_path)
        list(journal.entries())
        journal.add(Started(1, 1))
        journal.close()
        with pytest.raises(JournalDamaged, match="no beginning"):
            Devnet(DevnetSettings(directory=tmp_path))
