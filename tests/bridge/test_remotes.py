"""The operator's key is found where the configuration says, and never shown when it can't be used."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge.config import load
from bridge.errors import ConfigInvalid
from bridge.remotes import connected, mirror_of, operator_key
from tests.footing import Clock
from tests.integration.world import world
from topics.devnet.faults import Fault
from topics.devnet.made_keys import make_ecdsa, make_ed25519
from topics.devnet.settings import DevnetSettings
from topics.ledger.jvm_ledger import JvmLedger


async def test_the_ledger_and_the_mirror_of_the_configuration_answer(tmp_path: Path) -> None:
    async with world(tmp_path) as made, connected(made.config, last_valid_start_ns=2**62) as remotes:
        assert await remotes.ledger.balance() > 0
        assert remotes.ledger.payer == made.devnet.operator_id
        assert remotes.mirror.url == made.devnet.mirror_url
        assert remotes.ids.next().valid_start_ns > 2**62


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_the_environment_goes_before_the_file(kind: str) -> None:
    made = make_ed25519() if kind == "ed25519" else make_ecdsa()
    config = load(None, {"HEDERA_PRIVATE_KEY": made.private_der_hex})
    assert operator_key(config.operator).kind == kind


def test_bare_digits_are_what_key_kind_says() -> None:
    digits = "11" * 32
    for kind in ("ed25519", "ecdsa"):
        config = load(None, {"HEDERA_PRIVATE_KEY": digits, "HCS_BRIDGE_OPERATOR__KEY_KIND": kind})
        assert operator_key(config.operator).kind == kind


def test_no_key_is_refused_without_its_text() -> None:
    config = load(None, {"HEDERA_PRIVATE_KEY": "hunter2"})
    with pytest.raises(ConfigInvalid, match=r"operator\.key") as refused:
        operator_key(config.operator)
    assert "hunter2" not in str(refused.value)


async def test_the_first_mirror_is_used() -> None:
    mirror = mirror_of(load(None, {"MIRROR_NODE": "http://127.0.0.1:1,http://127.0.0.1:2"}))
    assert mirror.url == "http://127.0.0.1:1"
    await mirror.close()


async def test_mirrors_are_compared_by_the_networks_time_whatever_the_clock_here_says(tmp_path: Path) -> None:
    """It is an hour behind: by it all of them are in the future, and none is behind another."""
    network_clock = Clock()
    settings = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, mirrors=2, clock=network_clock)
    async with world(tmp_path, settings) as made:
        first, second = (each.rest.url for each in made.devnet.mirrors)
        mirrors = made.config.mirror.model_copy(update={"urls": (first, second)})
        config = made.config.model_copy(update={"mirror": mirrors})
        async with connected(config, last_valid_start_ns=0) as remotes:
            network_clock.forward(3600)
            remotes.ids.network.expired(time.time_ns())  # as a node says of an id of now
            await remotes.mirror.latest_consensus_ns()
            made.devnet.faults.inject(Fault.MIRROR_LAG, mirror=0, lag_s=60)
            await remotes.mirror.mirrors.check()
            assert remotes.mirror.url == second


async def test_the_streams_are_those_of_the_configuration_or_none(tmp_path: Path) -> None:
    async with (
        world(tmp_path, mirror__max_connections=3) as made,
        connected(made.config, last_valid_start_ns=0) as remotes,
    ):
        assert remotes.streams.capacity == 12
    async with world(tmp_path, mirror__streams=False) as made, connected(made.config, last_valid_start_ns=0) as remotes:
        assert remotes.streams.capacity == 0


async def test_the_java_sdk_is_a_backend_too(tmp_path: Path) -> None:
    async with (
        world(tmp_path, ledger__backend="hedera-sdk-py") as made,
        connected(made.config, last_valid_start_ns=0) as remotes,
    ):
        assert isinstance(remotes.ledger, JvmLedger)
        assert remotes.witness is remotes.ledger


async def test_the_java_sdk_is_refused_where_it_reaches_no_node(tmp_path: Path) -> None:
    tls = [{"account": "0.0.4", "address": "127.0.0.1:50212"}]
    async with world(tmp_path, ledger__backend="hedera-sdk-py", network__nodes=tls) as made:
        with pytest.raises(ConfigInvalid, match=r"ledger\.backend.*port 50212 is TLS"):
            async with connected(made.config, last_valid_start_ns=0):
                pass


async def test_a_public_networks_nodes_are_looked_up_at_the_start(tmp_path: Path) -> None:
    """The devnet's mirror in the place of the testnet's: its address book names nodes that answer."""
    async with world(tmp_path) as made:
        config = load(
            None,
            {
                "HEDERA_NETWORK": "testnet",
                "HCS_BRIDGE_NETWORK__TLS": "off",
                "MIRROR_NODE": made.devnet.mirror_url,
                "HEDERA_ACCOUNT_ID": str(made.devnet.operator_id),
                "HEDERA_PRIVATE_KEY": made.devnet.operator_key,
            },
        )
        assert config.network.nodes[0].address == "0.testnet.hedera.com:50211"
        async with connected(config, last_valid_start_ns=0) as remotes:
            assert await remotes.ledger.balance() > 0


async def test_without_an_answer_from_the_mirror_the_first_nodes_stand() -> None:
    environ = {"HEDERA_NETWORK": "testnet", "MIRROR_NODE": "http://127.0.0.1:1", "HEDERA_PRIVATE_KEY": "ab" * 32}
    environ |= {"HCS_BRIDGE_MIRROR__MAX_ATTEMPTS": "1"}
    async with connected(load(None, environ), last_valid_start_ns=0) as remotes:
        assert remotes.mirror.url == "http://127.0.0.1:1"
