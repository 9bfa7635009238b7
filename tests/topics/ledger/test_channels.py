"""One connection a node, made once; closing closes all."""

from __future__ import annotations

import grpc
import pytest

from tests.topics.ledger.tls_node import hash_of, made_certificate, tls_node
from topics.devnet.devnet import Devnet
from topics.ledger.certificates import CertificateRefused
from topics.ledger.channels import Channels
from topics.ledger.nodes import Node
from topics.ledger.settings import LedgerSettings
from topics.ledger.transactions import balance_query
from topics.values import AccountId


async def test_stubs_are_made_once_a_node_and_work(devnet: Devnet) -> None:
    channels = Channels(LedgerSettings())
    first, second = (Node(account, address) for account, address in devnet.nodes.items())
    assert channels.of(first) is channels.of(first)
    assert channels.of(first) is not channels.of(second)
    answer = await channels.of(second).crypto.cryptoGetBalance(balance_query(devnet.operator_id), timeout=5)
    assert answer.cryptogetAccountBalance.balance > 0
    await channels.close()
    await channels.close()


async def test_a_closed_channel_is_opened_anew(devnet: Devnet) -> None:
    channels = Channels(LedgerSettings())
    [node, _] = (Node(account, address) for account, address in devnet.nodes.items())
    before = channels.of(node)
    await channels.close()
    assert channels.of(node) is not before
    assert (
        await channels.of(node).crypto.cryptoGetBalance(balance_query(devnet.operator_id), timeout=5)
    ).IsInitialized()
    await channels.close()


async def test_a_name_that_leads_nowhere_is_unavailable() -> None:
    channels = Channels(LedgerSettings())
    node = Node(AccountId(0, 0, 3), "node.invalid:50211")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await channels.of(node).crypto.cryptoGetBalance(balance_query(node.account), timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    await channels.close()


@pytest.mark.parametrize("alternative", [None, "node.example"])
async def test_over_tls_to_the_certificate_of_the_address_book(alternative: str | None) -> None:
    made = made_certificate(alternative=alternative)
    channels = Channels(LedgerSettings())
    async with tls_node(made) as address:
        node = Node(AccountId(0, 0, 3), address, tls=True, certificate_hash=hash_of(made[1]))
        with pytest.raises(CertificateRefused):
            channels.of(node)
        await channels.check(node)
        await channels.check(node)
        answer = await channels.of(node).crypto.cryptoGetBalance(balance_query(node.account), timeout=5)
        assert answer.cryptogetAccountBalance.balance == 7
        await channels.close()


async def test_whoever_takes_the_nodes_place_later_is_not_spoken_to() -> None:
    made = made_certificate()
    channels = Channels(LedgerSettings(backoff_initial_s=0.01, backoff_max_s=0.05))
    async with tls_node(made) as address:
        node = Node(AccountId(0, 0, 3), address, tls=True, certificate_hash=hash_of(made[1]))
        await channels.check(node)
    async with tls_node(made_certificate(), port=int(address.rpartition(":")[2])):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channels.of(node).crypto.cryptoGetBalance(balance_query(node.account), timeout=2)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    await channels.close()


async def test_a_certificate_that_is_not_in_the_address_book() -> None:
    channels = Channels(LedgerSettings())
    async with tls_node(made_certificate()) as address:
        node = Node(AccountId(0, 0, 3), address, tls=True, certificate_hash="ab" * 48)
        with pytest.raises(CertificateRefused):
            await channels.check(node)
    await channels.close()
