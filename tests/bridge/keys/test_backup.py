"""Users' keys in a file: for the recovery key alone, and back in their places."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, delete

from bridge.errors import EnvelopeRejected
from bridge.keys.backup import MAGIC, open_backup, restore, saved, seal_backup
from bridge.keys.people import seal_for
from bridge.keys.ring import STORE, campaign_owner
from bridge.keys.taking_over import kept
from bridge.protocol.wire import cbor
from bridge.schema import epochs
from tests.bridge.keys.test_ring import connection, ring

__all__ = ["connection"]
PAIR = X25519PrivateKey.generate()


def backup_of(connection: Connection) -> bytes:
    return seal_backup(saved(connection, ring()), PAIR.public_key(), network="devnet")


def test_users_keys_come_back_and_nobody_elses(connection: Connection) -> None:
    keys = ring()
    for owner in (STORE, campaign_owner("1"), "user:7", "user:8"):
        keys.ensure(connection, owner, now_ms=1)
    newest = keys.renew(connection, "user:7", now_ms=2, by="ops")
    before, content = kept(connection), backup_of(connection)
    connection.execute(delete(epochs).where(epochs.c.owner.startswith("user:")))
    found = open_backup(content, PAIR, network="devnet")
    assert restore(connection, keys, found) == 3
    assert restore(connection, keys, found) == 0
    after = kept(connection)
    assert [(e.owner, e.number, e.kid, e.made_by) for e in after] == [
        (e.owner, e.number, e.kid, e.made_by) for e in before
    ]
    assert keys.current(connection, "user:7") == newest
    assert all(each.epoch.key not in content for each in found)


def test_what_was_made_since_stays_in_force(connection: Connection) -> None:
    keys = ring()
    old = keys.ensure(connection, "user:7", now_ms=1)
    content = backup_of(connection)
    connection.execute(delete(epochs))
    new = keys.ensure(connection, "user:7", now_ms=2)
    assert restore(connection, keys, open_backup(content, PAIR, network="devnet")) == 1
    assert keys.current(connection, "user:7") == new
    assert keys.find_user(connection, old.kid) == old
    assert [each.number for each in kept(connection, "user:7")] == [1, 2]


def test_it_opens_for_its_pair_and_network_alone(connection: Connection) -> None:
    ring().ensure(connection, "user:7", now_ms=1)
    content = backup_of(connection)
    for private, network, said in (
        (X25519PrivateKey.generate(), "devnet", content),
        (PAIR, "testnet", content),
        (PAIR, "devnet", content[:-1]),
        (PAIR, "devnet", content[:-1] + bytes([content[-1] ^ 1])),
        (PAIR, "devnet", b"something else"),
        (PAIR, "devnet", MAGIC + seal_for(PAIR.public_key(), cbor.encode(7), purpose="backup", network="devnet")),
        (PAIR, "devnet", MAGIC + seal_for(PAIR.public_key(), b"\xff", purpose="backup", network="devnet")),
        (PAIR, "devnet", MAGIC + seal_for(PAIR.public_key(), cbor.encode([[1]]), purpose="backup", network="devnet")),
        (PAIR, "devnet", MAGIC + os.urandom(10)),
    ):
        with pytest.raises(EnvelopeRejected):
            open_backup(said, private, network=network)
