"""Every node is asked what costs nothing; one that is down among others is a warning only."""

from __future__ import annotations

from dataclasses import replace

from bridge.config_sections import Network
from bridge.doctor.findings import Status
from bridge.doctor.nodes import ask_all, nodes, used_nodes
from tests.bridge.doctor.ward import changed, ground_of, of
from tests.integration.world import World
from tests.topics.client import QUICK
from tests.topics.ledger.tls_node import hash_of, made_certificate, tls_node
from topics.devnet.faults import Fault
from topics.ledger.nodes import Node
from topics.values import AccountId

THREE, FOUR = AccountId(0, 0, 3), AccountId(0, 0, 4)


async def test_all_answer_and_nothing_is_spent(made: World) -> None:
    async with ground_of(made.config) as ground:
        found = await nodes(ground)
    assert [each.status for each in found] == [Status.OK, Status.OK]
    assert all(address in str(found) for address in made.devnet.nodes.values())
    assert len(made.devnet.network.mirror.transactions()) == 0


async def test_one_that_is_down_among_others(made: World) -> None:
    made.devnet.faults.inject(Fault.NODE_DOWN, node=THREE)
    async with ground_of(made.config) as ground:
        found = await nodes(ground)
    assert of(found, f"node {THREE}").status is Status.WARNING
    assert of(found, f"node {FOUR}").status is Status.OK


async def test_none_that_answers(made: World) -> None:
    made.devnet.faults.inject(Fault.NODE_DOWN, node=THREE)
    made.devnet.faults.inject(Fault.HANG, node=FOUR)
    async with ground_of(changed(made.config, "doctor", timeout_s=1.0)) as ground:
        found = await nodes(ground)
    assert [each.status for each in found] == [Status.FAILED, Status.FAILED]
    assert "UNAVAILABLE" in found[0].found
    assert "firewall" in found[0].hint


async def test_the_certificate_is_held_against_the_address_book(made: World) -> None:
    certificate = made_certificate()
    async with tls_node(certificate) as address:
        right = Node(THREE, address, tls=True, certificate_hash=hash_of(certificate[1]))
        [found] = await ask_all([right], QUICK, made.devnet.operator_id)
        assert (found.status, "certificate" in found.found) == (Status.OK, True)
        [found] = await ask_all([replace(right, certificate_hash="ab" * 48)], QUICK, made.devnet.operator_id)
    assert found.status is Status.FAILED
    assert "its certificate has the hash" in found.found


async def test_with_tls_the_address_book_is_needed(made: World) -> None:
    config = changed(made.config, "network", tls="on")
    async with ground_of(config) as ground:
        assert all(node.tls for node in await used_nodes(ground))
        found = await nodes(ground)  # the devnet has no TLS
        assert {each.status for each in found} == {Status.FAILED}
        made.devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
        [found_without] = await nodes(ground)
    assert "address book" in found_without.found


async def test_a_public_networks_nodes_are_those_of_the_book(made: World) -> None:
    config = made.config.model_copy(update={"network": Network.model_validate({"name": "testnet", "tls": "off"})})
    async with ground_of(config) as ground:
        assert {node.address for node in await used_nodes(ground)} == set(made.devnet.nodes.values())
