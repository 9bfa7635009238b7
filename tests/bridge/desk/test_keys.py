"""What operators do with the key ring: rotate users, another master key; and what opens without any."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import select

from bridge.desk.keys import key_desk_alone
from bridge.errors import CampaignRefused, KeysRefused, SealBroken
from bridge.keys.ring import user_owner
from bridge.publish.ingest import Request
from bridge.schema import epochs
from bridge.storage import opened
from tests.bridge.key_world import ALL, count, desk, made, master_key
from tests.bridge.relay.audit.conftest import database_of
from tests.bridge.thief import SECRET, everything_that_opens, key_in
from tests.integration.world import World
from tests.rooms import change

__all__ = ["made"]


async def test_a_stolen_database_without_the_master_key_opens_nothing(made: World) -> None:
    """Neither what was published, nor what the outbox keeps of it, nor what waits there."""
    place, waits = database_of(made), SECRET + "what waits"
    async with desk(made) as (keys, _):
        await keys._rooms.ingest.accept([change("3", message=waits)], Request("a"))
    assert everything_that_opens(made, [key_in(made.folder / "master.key")], [place]) == ALL | {waits}
    assert everything_that_opens(made, [os.urandom(32)], [place]) == set()
    for path in place.parent.glob(f"{place.name}*"):
        assert SECRET.encode() not in path.read_bytes()


async def test_who_has_no_keys_here_is_refused_and_nothing_changes(made: World) -> None:
    place, new = database_of(made), master_key(made.folder)
    async with desk(made) as (keys, _):
        with pytest.raises(KeysRefused, match="user 9 has no keys here"):
            await keys.shred("user", "9", str(new), by="ops")
        with pytest.raises(CampaignRefused, match="campaign _account is not registered"):
            await keys.shred("campaign", "_account", str(new), by="ops")
        with pytest.raises(KeysRefused, match=f"the new master key, {new}er, does not exist") as refused:
            await keys.shred("user", "7", f"{new}er", by="ops")
        assert "stop it and run the command again" in refused.value.hint
        for unknown in ("9", "no id"):
            with pytest.raises(KeysRefused, match="has no keys here"):
                await keys.rotate_user(unknown, by="ops")
        with pytest.raises(KeysRefused, match="another is needed"):  # or what is shredded would open on
            await keys.shred("user", "7", str(made.folder / "master.key"), by="ops")
    assert everything_that_opens(made, [key_in(made.folder / "master.key")], [place]) == ALL


async def test_another_master_key_while_everything_goes_on(made: World) -> None:
    """It serves from its own file until it is put in place; the old one opens nothing any more."""
    new, old = master_key(made.folder), key_in(made.folder / "master.key")
    async with desk(made) as (keys, storage):
        total = count(made, "epochs")
        assert await keys.rewrap(str(new), by="ops") == total
        await keys._rooms.ingest.accept([change("5", user_id="55")], Request("a"))  # keys made behind it
        assert await keys.rewrap(str(new), by="ops") == total + 2
    assert everything_that_opens(made, [old], [database_of(made)]) == set()
    assert everything_that_opens(made, [key_in(new)], [database_of(made)]) == ALL
    async with opened(made.config, alone=True) as storage:  # the configuration still names the old one
        assert storage.keys.master == key_in(new)
    new.unlink()
    with pytest.raises(SealBroken, match=r"master key of .*new\.key"):
        async with opened(made.config, alone=True):
            pass


async def test_a_user_gets_another_key_at_once_and_keeps_the_old_one(made: World) -> None:
    async with key_desk_alone(made.config) as keys:
        kid = await keys.rotate_user("7", by="ops")
    async with opened(made.config, alone=True) as storage:
        newest = await storage.database.read(lambda c: storage.ring.current(c, user_owner("7")))
        assert newest is not None
        assert newest.kid == kid
        of_seven = select(epochs.c.number, epochs.c.made_by).where(epochs.c.owner == "user:7").order_by("number")
        assert await storage.database.read(lambda c: [tuple(r) for r in c.execute(of_seven)]) == [(1, None), (2, "ops")]
