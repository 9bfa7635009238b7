"""The key ring: made once, wrapped under one master key, bound to its row, and never readable at rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, update

from bridge import config_sections as sections
from bridge import migrations
from bridge.database import Database
from bridge.errors import SealBroken
from bridge.keys.ring import STORE, CampaignKeys, KeyRing, campaign_owner, user_owner
from bridge.protocol.wire.epochs import Epoch
from bridge.protocol.wire.wrapping import wrap_key
from bridge.schema import epochs
from bridge.statements import MAX_IN
from tests.servers import place_at

MASTER = os.urandom(32)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = Database(sections.Database(**place_at(tmp_path / "b.db"))).engine
    migrations.upgrade(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def ring(master: bytes = MASTER, *, max_cached: int = 10) -> KeyRing:
    return KeyRing(master, max_cached=max_cached)


def test_an_epoch_is_made_once(connection: Connection) -> None:
    first = ring().ensure(connection, STORE, now_ms=1)
    assert ring().ensure(connection, STORE, now_ms=2) == first
    assert ring().current(connection, STORE) == first
    assert len(connection.execute(select(epochs)).all()) == 1


def test_owners_have_keys_of_their_own(connection: Connection) -> None:
    keys = ring()
    owners = [STORE, campaign_owner("7"), user_owner("7"), campaign_owner("8")]
    assert len({keys.ensure(connection, owner, now_ms=1).key for owner in owners}) == len(owners)


def test_many_get_their_first_epoch_and_keep_the_one_that_they_have(connection: Connection) -> None:
    known = ring().ensure(connection, user_owner("1"), now_ms=1)
    owners = [user_owner(str(number)) for number in range(MAX_IN + 1)]
    for _ in range(2):
        ring().ensure_all(connection, owners, now_ms=2)
    assert len(connection.execute(select(epochs)).all()) == len(owners)
    assert ring().current(connection, user_owner("1")) == known
    assert ring().current(connection, user_owner("2")) is not None


def test_nothing_is_known_of_who_has_none(connection: Connection) -> None:
    assert ring().current(connection, campaign_owner("7")) is None
    assert ring().find(connection, campaign_owner("7"), bytes(8)) is None


def test_another_master_key_opens_nothing(connection: Connection) -> None:
    ring().ensure(connection, STORE, now_ms=1)
    with pytest.raises(SealBroken, match="does not open") as caught:
        ring(os.urandom(32)).ensure(connection, STORE, now_ms=2)
    assert "master key" in caught.value.hint


def test_no_key_is_readable_at_rest(connection: Connection) -> None:
    key = ring().ensure(connection, STORE, now_ms=1).key
    for row in connection.execute(select(epochs)):
        assert all(key not in value for value in row if isinstance(value, bytes))
    assert key.hex() not in repr(ring().current(connection, STORE))


def test_a_key_moved_to_another_owner_is_refused(connection: Connection) -> None:
    keys = ring()
    keys.ensure(connection, user_owner("7"), now_ms=1)
    mine = keys.ensure(connection, user_owner("8"), now_ms=1)
    connection.execute(update(epochs).where(epochs.c.kid == mine.kid).values(owner=user_owner("9")))
    with pytest.raises(SealBroken):
        keys.current(connection, user_owner("9"))


def test_a_campaigns_and_a_users_keys_are_two_name_spaces(connection: Connection) -> None:
    keys = ring()
    campaign, user = keys.ensure(connection, campaign_owner("7"), now_ms=1), keys.ensure(connection, "user:7", now_ms=1)
    other = keys.ensure(connection, campaign_owner("8"), now_ms=1)
    lookup = CampaignKeys(keys, connection, "7")
    assert lookup.epoch(campaign.kid) == campaign.key
    assert lookup.user(user.kid) == user.key
    assert lookup.epoch(user.kid) is None
    assert lookup.user(campaign.kid) is None
    assert lookup.epoch(other.kid) is None


def test_the_newest_epoch_is_in_force_and_the_old_one_still_found(connection: Connection) -> None:
    keys = ring()
    old, new = keys.ensure(connection, "user:7", now_ms=1), Epoch.of(os.urandom(32))
    wrapped = wrap_key(new.key, master_key=MASTER, nonce=bytes(12), owner="user:7")
    connection.execute(insert(epochs).values(owner="user:7", number=2, kid=new.kid, wrapped=wrapped, created_ms=2))
    assert keys.ensure(connection, "user:7", now_ms=3) == new
    assert keys.find(connection, "user:7", old.kid) == old


def test_the_cache_is_bounded_and_saves_unwrapping(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ring(max_cached=2)
    for number in range(5):
        keys.ensure(connection, user_owner(str(number)), now_ms=1)
        keys.current(connection, user_owner(str(number)))
        keys.current(connection, user_owner(str(number)))
    info = keys._unwrap.cache_info()
    assert info.currsize == 2
    assert info.hits == 5
