"""Keys for a database made anew: none is taken that doesn't open, and a wrapped key opens for its campaign alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection

from bridge.errors import ConfigInvalid, SealBroken
from bridge.keys.people import Purpose, wrap_to
from bridge.keys.ring import STORE, campaign_owner, user_owner
from bridge.keys.taking_over import Recovery, epochs_held, first_epoch, recovery_key, take_over
from bridge.protocol.wire.epochs import kid_of
from tests.bridge.keys.test_ring import MASTER, connection, ring

__all__ = ["connection"]
KEY = os.urandom(32)


def test_epochs_are_taken_over_once_and_the_stores_own_is_not(connection: Connection) -> None:
    for owner in (STORE, campaign_owner("1"), user_owner("7")):
        ring().ensure(connection, owner, now_ms=1)
    held = epochs_held(connection, master=MASTER)
    assert sorted(each.owner for each in held) == ["campaign:1", "user:7"]
    other = first_epoch(campaign_owner("2"), KEY, master=MASTER, now_ms=5)
    take_over(connection, [*held, other])
    take_over(connection, [other, first_epoch(campaign_owner("1"), KEY, master=MASTER, now_ms=5)])
    assert ring().find_campaign(connection, kid_of(KEY)) == ring().current(connection, campaign_owner("2"))
    kept = {each.owner: each for each in epochs_held(connection, master=MASTER)}
    assert [kept[each.owner] for each in held] == held


def test_epochs_under_another_master_key_are_refused(connection: Connection) -> None:
    ring().ensure(connection, campaign_owner("1"), now_ms=1)
    with pytest.raises(SealBroken):
        epochs_held(connection, master=os.urandom(32))


def test_a_users_epoch_is_no_campaigns(connection: Connection) -> None:
    user = ring().ensure(connection, user_owner("7"), now_ms=1)
    assert ring().find_campaign(connection, user.kid) is None


def test_a_wrapped_key_opens_for_its_campaign_network_and_pair() -> None:
    private = X25519PrivateKey.generate()
    wrapped = wrap_to(private.public_key(), KEY, purpose=Purpose("recovery", "devnet", campaign_owner("2")))
    found = Recovery(private, ["1", "2", "3"]).open(wrapped, network="devnet", kid=kid_of(KEY))
    assert found == ("2", KEY)
    assert Recovery(private, ["1", "3"]).open(wrapped, network="devnet", kid=kid_of(KEY)) is None
    assert Recovery(private, ["2"]).open(wrapped, network="testnet", kid=kid_of(KEY)) is None
    assert Recovery(X25519PrivateKey.generate(), ["2"]).open(wrapped, network="devnet", kid=kid_of(KEY)) is None


def test_the_recovery_key_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "recovery.key"
    path.write_text(KEY.hex())
    path.chmod(0o600)
    assert recovery_key(path, key="--recovery-key").private_bytes_raw() == KEY
    path.write_text("not hex")
    with pytest.raises(ConfigInvalid, match="--recovery-key") as refused:
        recovery_key(path, key="--recovery-key")
    assert "not hex" not in str(refused.value)
