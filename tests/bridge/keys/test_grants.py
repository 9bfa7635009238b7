"""Who may have which epochs: the rules, and what is kept of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection

from bridge.keys import grants
from bridge.keys.grants import BY_TOKEN, Asker, Grant
from bridge.keys.people import Purpose, unwrap_from
from bridge.keys.ring import KeyRing, campaign_owner
from bridge.protocol.wire.epochs import Epoch
from bridge.schema import registry
from tests.footing import NETWORK, database_at

OWNER, FRIEND = "77", "88"
CAMPAIGN = campaign_owner("1")
STANDING, REVOKED = Grant(FRIEND, 3, 5, "backend"), Grant(FRIEND, 3, 5, "backend", 6, "backend")


@pytest.mark.parametrize(
    ("asker", "known", "first"),
    [
        (Asker(OWNER), None, 1),
        (Asker(OWNER), Grant(OWNER, 3, 5, "backend", 6, "backend"), 1),
        (Asker(FRIEND), None, None),
        (Asker(FRIEND), STANDING, 3),
        (Asker(FRIEND), REVOKED, None),
        (Asker(FRIEND, sees_all=True), None, 1),
        (Asker(FRIEND, sees_all=True), STANDING, 1),
        (Asker(FRIEND, sees_all=True), REVOKED, None),
        (Asker(FRIEND, named=True), None, None),  # not before there is a grant
        (Asker(FRIEND, named=True), REVOKED, None),
    ],
)
def test_who_may_have_them_from_where_on(asker: Asker, known: Grant | None, first: int | None) -> None:
    assert grants.entitled_from(asker, owner=OWNER, known=known) == first


def test_a_campaign_without_an_owner_is_nobodys() -> None:
    assert grants.entitled_from(Asker("None"), owner=None, known=None) is None


async def test_grants_begin_where_they_were_given_and_end_for_good(tmp_path: Path) -> None:
    ring = KeyRing(bytes(32), max_cached=10)

    def work(connection: Connection) -> None:
        registry.intend(connection, "1", owner=OWNER, now_ms=1)
        for _ in range(2):
            ring.renew(connection, CAMPAIGN, now_ms=1)
        given = grants.give(connection, "1", FRIEND, from_start=False, by="backend", now_ms=2)
        assert given == Grant(FRIEND, 2, 2, "backend") == grants.find(connection, "1", FRIEND)
        ring.renew(connection, CAMPAIGN, now_ms=3)
        assert grants.give(connection, "1", FRIEND, from_start=False, by="again", now_ms=4) == given
        wider = grants.give(connection, "1", FRIEND, from_start=True, by="again", now_ms=4)
        assert wider == Grant(FRIEND, 1, 2, "backend") == grants.find(connection, "1", FRIEND)
        assert grants.revoke(connection, "1", FRIEND, by="backend", now_ms=5)
        assert not grants.revoke(connection, "1", FRIEND, by="backend", now_ms=6)
        assert grants.find(connection, "1", FRIEND) == Grant(FRIEND, 1, 2, "backend", 5, "backend")
        assert grants.entitle_named(connection, "1", FRIEND, now_ms=7) is None
        anew = grants.give(connection, "1", FRIEND, from_start=False, by="backend", now_ms=8)
        assert anew == Grant(FRIEND, 3, 8, "backend") == grants.find(connection, "1", FRIEND)
        assert grants.of(connection, "1") == [anew]

    async with database_at(tmp_path / "bridge.db") as database:
        await database.write(work)


async def test_a_token_entitles_from_the_first_request_on_unless_revoked_before(tmp_path: Path) -> None:
    ring = KeyRing(bytes(32), max_cached=10)

    def work(connection: Connection) -> None:
        registry.intend(connection, "1", owner=OWNER, now_ms=1)
        for _ in range(2):
            ring.renew(connection, CAMPAIGN, now_ms=1)
        assert grants.entitle_named(connection, "1", FRIEND, now_ms=2) == 2
        ring.renew(connection, CAMPAIGN, now_ms=3)
        assert grants.entitle_named(connection, "1", FRIEND, now_ms=4) == 2
        assert grants.revoke(connection, "1", "99", by="backend", now_ms=5)
        assert grants.entitle_named(connection, "1", "99", now_ms=6) is None
        assert [(each.user_id, each.given_by) for each in grants.of(connection, "1")] == [
            (FRIEND, BY_TOKEN),
            ("99", "backend"),
        ]

    async with database_at(tmp_path / "bridge.db") as database:
        await database.write(work)


async def test_the_newest_epochs_oldest_first(tmp_path: Path) -> None:
    ring = KeyRing(bytes(32), max_cached=10)

    def work(connection: Connection) -> None:
        made = [ring.renew(connection, CAMPAIGN, now_ms=1) for _ in range(5)]
        ring.renew(connection, campaign_owner("2"), now_ms=1)
        assert grants.epochs_from(connection, ring, CAMPAIGN, 1, limit=9) == made
        assert grants.epochs_from(connection, ring, CAMPAIGN, 4, limit=9) == made[3:]
        assert grants.epochs_from(connection, ring, CAMPAIGN, 1, limit=2) == made[3:]

    async with database_at(tmp_path / "bridge.db") as database:
        await database.write(work)


def test_a_key_is_wrapped_for_its_holder_and_owner_alone() -> None:
    epoch, reader = Epoch.of(bytes(range(32))), X25519PrivateKey.generate()
    wrapped = grants.wrap(epoch, reader.public_key().public_bytes_raw(), network=NETWORK, owner=CAMPAIGN)
    assert unwrap_from(reader, wrapped, purpose=Purpose("grant", NETWORK, CAMPAIGN), kid=epoch.kid) == epoch.key
    for low_order in (bytes(32), b"\x01" + bytes(31)):
        with pytest.raises(ValueError, match="shared key"):
            grants.wrap(epoch, low_order, network=NETWORK, owner=CAMPAIGN)
