"""A day is run, its database lost and made anew: campaign channels byte for byte, and publishing goes on, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, select

from bridge import offline
from bridge.app import running
from bridge.commands.exits import CommandFailed
from bridge.keys.ring import STORE, campaign_owner
from bridge.keys.taking_over import epochs_held, kept, take_over
from bridge.publish import flights, id_records
from bridge.rebuild import Rebuild, TopicUnfit
from bridge.schema import epochs
from bridge.storage import Storage, opened
from bridge.supervise import supervised
from tests.bridge.lost_day import (
    all_confirmed,
    campaigns_of,
    content,
    day,
    lost,
    mirror_on,
    on_ledger,
    place_of,
    publish,
    reading,
    rebuild,
)
from tests.bridge.relay.audit.conftest import database_of
from tests.integration.world import World
from tests.rooms import until
from topics.devnet.faults import Fault, Field
from topics.values import TopicId

__all__ = ["day", "lost"]
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_campaign_channels_come_back_byte_for_byte(lost: World) -> None:
    before, ledger = await content(lost, lost.folder / "backup.db"), on_ledger(lost)
    tally = await rebuild(lost)
    after = await content(lost)
    assert campaigns_of(after) == campaigns_of(before)
    assert len(campaigns_of(after)) == 3
    assert [found.data for found in after["user:77"]] == [found.data for found in before["user:77"]]
    assert (len(tally.campaigns), tally.publications, tally.skipped) == (3, 20, 0)
    assert tally.messages == sum(ledger.values())
    assert on_ledger(lost) == ledger
    old, new = await place_of(lost, lost.folder / "backup.db"), await place_of(lost)
    assert new["campaign:1"] == old["campaign:1"]
    assert new["user:77"].epoch != old["user:77"].epoch  # so its clients hear `recovered: false`


async def test_publishing_goes_on_once_and_under_new_ids(lost: World) -> None:
    await rebuild(lost)
    async with reading(lost, lost.folder / "backup.db") as old, reading(lost) as new:
        refs = ["1", "2", "3"]
        was, stands = [await each.database.read(lambda c: flights.newest(c, refs)) for each in (old, new)]
        assert {r: f.producer_sequence for r, f in stands.items()} == {r: f.producer_sequence for r, f in was.items()}
        payer = lost.devnet.operator_id
        drawn, floor = [
            await each.database.read(lambda c: id_records.last_valid_start_ns(c, payer)) for each in (old, new)
        ]
        assert floor >= drawn
    ledger, before = on_ledger(lost), await content(lost)
    async with running(lost.config):
        await publish(lost, "1", "again")
        await publish(lost, "2", "again")
        await all_confirmed(lost, 22)
        change = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "3", "message": "late"}}
        assert (await lost.post("/v1/events", change))[0] == 409
    after = await content(lost)
    for campaign in ("1", "2"):
        name = f"campaign:{campaign}"
        assert after[name][:-1] == before[name]
        assert b"again" in after[name][-1].data
    assert sum(on_ledger(lost).values()) == sum(ledger.values()) + 2  # no manifest, no topic
    assert len(on_ledger(lost)) == 3
    for campaign in ("1", "2", "3"):
        view = await offline.topic(lost.config, campaign)
        assert view is not None
        assert (view.skipped, view.halted) == (0, None)
    code, out, _ = await lost.command("verify", "1")
    assert code == 0, out


async def test_killed_in_between_it_goes_on_behind_what_it_has(lost: World) -> None:
    topics = sorted(on_ledger(lost))
    lost.devnet.faults.inject(Fault.MESSAGE_ALTERED, topic=topics[1], sequence=4, field=Field.MESSAGE)
    with pytest.raises(ExceptionGroup) as failed:
        await rebuild(lost)
    assert failed.group_contains(Exception, match="running hash", depth=None)
    assert not database_of(lost).exists()
    lost.devnet.faults.clear()
    read = sum(on_ledger(lost).values())
    tally = await rebuild(lost)
    assert tally.messages < read
    before = await content(lost, lost.folder / "backup.db")
    after = await content(lost)
    assert {n: f[: len(before[n])] for n, f in campaigns_of(after).items()} == campaigns_of(before)


async def test_without_keys_nothing_is_put_in_place_until_they_come(lost: World) -> None:
    with pytest.raises(CommandFailed, match="no key at hand opens 3 topics"):
        await rebuild(lost, keys_from=None)
    assert not database_of(lost).exists()
    tally = await rebuild(lost, keys_from=None, without_locked=True)
    assert (len(tally.locked), tally.campaigns) == (3, {})


async def test_from_the_ledger_and_the_recovery_key_alone(lost: World) -> None:
    """Two rotations on the way, of which each frame's key stands in the one before."""
    tally = await rebuild(lost, keys_from=None, recovery_key=lost.folder / "recovery.key")
    assert (len(tally.campaigns), tally.skipped) == (3, 0)
    before, after = await content(lost, lost.folder / "backup.db"), await content(lost)
    assert {n: f[: len(before[n])] for n, f in campaigns_of(after).items()} == campaigns_of(before)
    assert "user:77" not in after  # a user's key stands on no ledger
    async with reading(lost) as storage:
        owners = await storage.database.read(lambda c: set(c.execute(select(epochs.c.owner)).scalars()))
    assert owners == {"store", *(campaign_owner(ref) for ref in ("1", "2", "3"))}


async def test_with_the_key_backup_users_channels_come_back_too(lost: World) -> None:
    """And publishing goes on under the newest keys."""
    recovery = {"recovery_key": lost.folder / "recovery.key", "key_backup": lost.folder / "users.keys"}
    await rebuild(lost, keys_from=None, **recovery)
    before, after = await content(lost, lost.folder / "backup.db"), await content(lost)
    assert {name: [found.data for found in there] for name, there in after.items() if name == "user:77"} == {
        "user:77": [found.data for found in before["user:77"]]
    }
    assert {n: f[: len(before[n])] for n, f in campaigns_of(after).items()} == campaigns_of(before)

    def epochs_in(storage: Storage) -> Callable[[Connection], list[tuple[str, int, bytes, int]]]:
        return lambda c: [(e.owner, e.number, e.kid, e.since) for e in kept(c) if e.owner != STORE]

    async with reading(lost, lost.folder / "backup.db") as old, reading(lost) as new:
        was, stands = [await each.database.read(epochs_in(each)) for each in (old, new)]
    assert len([each for each in was if each[0] == "campaign:1"]) == 3
    assert stands == was


async def test_a_list_of_topics_and_what_is_in_it_that_is_not_ours(lost: World) -> None:
    topics = sorted(on_ledger(lost))
    (lost.folder / "topics").write_text(f"# all\n{topics[0]}\n\n{topics[0]}\n")
    tally = await rebuild(lost, payer=None, topics=lost.folder / "topics")
    assert list(tally.campaigns) == topics[:1]
    database_of(lost).unlink()
    (lost.folder / "topics").write_text("0.0.99999\n")
    with pytest.raises(ExceptionGroup) as failed:
        await rebuild(lost, payer=None, topics=lost.folder / "topics")
    assert failed.group_contains(TopicUnfit, match="doesn't know it")


async def test_what_comes_in_late_is_read_before_publishing_goes_on(lost: World) -> None:
    """The lost bridge had a frame under way when the rebuild began: nothing of ours may take its producer sequence."""
    await rebuild(lost)
    lost_place = lost.folder / "lost.db"
    database_of(lost).replace(lost_place)
    section = lost.config.database.model_copy(update={"url": f"sqlite:///{lost_place}"})
    topics, asked = sorted(on_ledger(lost)), 0

    async def names() -> list[TopicId]:
        nonlocal asked
        asked += 1
        if asked == 2:
            before = sum(on_ledger(lost).values())
            async with running(lost.config.model_copy(update={"database": section})):
                await publish(lost, "1", "late")
                await until(lambda: sum(on_ledger(lost).values()) > before)
        return topics

    async with (
        opened(lost.config, alone=True) as storage,
        supervised({"database": storage.database.run}),
        mirror_on(lost) as mirror,
    ):
        async with reading(lost, lost_place) as old:
            held = await old.database.read(lambda c: epochs_held(c, master=old.keys.master))
        await storage.database.write(lambda c: take_over(c, held))
        await Rebuild(storage, mirror, settle_s=0.01).run(names)
        [newest] = (await storage.database.read(lambda c: flights.newest(c, ["1"]))).values()
    async with reading(lost, lost_place) as old:
        [was] = (await old.database.read(lambda c: flights.newest(c, ["1"]))).values()
    assert newest.producer_sequence == was.producer_sequence
    assert b"late" in (await content(lost))["campaign:1"][-1].data
