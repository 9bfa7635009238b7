"""Keys for a database made anew: none is taken that doesn't open, and a wrapped key opens for its topic alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, delete

from bridge.errors import ConfigInvalid, SealBroken
from bridge.keys.people import recovery, wrap_to
from bridge.keys.ring import STORE, campaign_owner, user_owner
from bridge.keys.taking_over import RecoveredKeys, Recovery, epochs_held, recovery_key, take_over
from bridge.protocol.wire.epochs import Epoch, KeyTable, kid_of
from bridge.schema import epochs
from tests.bridge.keys.test_ring import MASTER, connection, ring
from topics.values import TopicId

__all__ = ["connection"]
KEY = os.urandom(32)


def test_epochs_are_taken_over_once_and_the_stores_own_is_not(connection: Connection) -> None:
    for owner in (STORE, campaign_owner("1"), user_owner("7")):
        ring().ensure(connection, owner, now_ms=1)
    held = epochs_held(connection, master=MASTER)
    assert sorted(each.owner for each in held) == ["campaign:1", "user:7"]
    connection.execute(delete(epochs).where(epochs.c.owner == user_owner("7")))
    take_over(connection, held)
    take_over(connection, held)
    assert sorted(epochs_held(connection, master=MASTER), key=str) == sorted(held, key=str)


def test_epochs_under_another_master_key_are_refused(connection: Connection) -> None:
    ring().ensure(connection, campaign_owner("1"), now_ms=1)
    with pytest.raises(SealBroken):
        epochs_held(connection, master=os.urandom(32))


def test_a_users_epoch_is_no_campaigns(connection: Connection) -> None:
    user = ring().ensure(connection, user_owner("7"), now_ms=1)
    assert ring().find_campaign(connection, user.kid) is None


def test_a_wrapped_key_opens_for_its_topic_network_and_pair() -> None:
    private, topic_id = X25519PrivateKey.generate(), TopicId(0, 0, 7)
    wrapped = wrap_to(private.public_key(), KEY, purpose=recovery("devnet", topic_id))
    pair = Recovery(private, "devnet")
    assert pair.open(wrapped, topic_id=topic_id, kid=kid_of(KEY)) == Epoch.of(KEY)
    assert pair.open(wrapped, topic_id=TopicId(0, 0, 8), kid=kid_of(KEY)) is None
    assert pair.open(wrapped, topic_id=topic_id, kid=bytes(8)) is None
    assert pair.open(None, topic_id=topic_id, kid=kid_of(KEY)) is None
    assert Recovery(private, "testnet").open(wrapped, topic_id=topic_id, kid=kid_of(KEY)) is None
    assert Recovery(X25519PrivateKey.generate(), "devnet").open(wrapped, topic_id=topic_id, kid=kid_of(KEY)) is None


def test_what_was_learned_on_the_way_opens_beside_what_is_held() -> None:
    held, learned, user = (Epoch.of(os.urandom(32)) for _ in range(3))
    keys = RecoveredKeys(KeyTable(epochs=(held,), users=(user,)))
    keys.learned[learned.kid] = learned
    assert [keys.epoch(each.kid) for each in (held, learned, user)] == [held.key, learned.key, None]
    assert [keys.user(each.kid) for each in (learned, user)] == [None, user.key]


def test_the_recovery_key_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "recovery.key"
    path.write_text(KEY.hex())
    path.chmod(0o600)
    assert recovery_key(path, key="--recovery-key").private_bytes_raw() == KEY
    path.write_text("not hex")
    with pytest.raises(ConfigInvalid, match="--recovery-key") as refused:
        recovery_key(path, key="--recovery-key")
    assert "not hex" not in str(refused.value)
