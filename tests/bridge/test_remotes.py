"""The operator's key is found where the configuration says, and never shown when it can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import load
from bridge.errors import ConfigInvalid
from bridge.remotes import connected, mirror_of, operator_key
from tests.integration.world import world
from topics.devnet.made_keys import make_ecdsa, make_ed25519


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
