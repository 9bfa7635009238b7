"""What was shredded opens no more: not from copies of the database or the ledger, under the current master key."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from sqlalchemy import select

from bridge.app import running
from bridge.doors import Announcer
from bridge.errors import CampaignRefused
from bridge.fanout import only_here
from bridge.gateway.hub import Hub
from bridge.keys.ring import campaign_owner, user_owner
from bridge.protocol.values import TopicContext
from bridge.protocol.wire.control import Close, Control
from bridge.protocol.wire.control import Shredded as Record
from bridge.protocol.wire.epochs import KeyTable
from bridge.protocol.wire.frame import open_frame
from bridge.publish import outbox
from bridge.publish.ingest import Request
from bridge.publish.outbox import EntryState
from bridge.schema import entries, epochs, registry, transactions
from bridge.storage import opened
from tests.bridge.key_world import ALL, count, desk, made, master_key, newest_message
from tests.bridge.relay.audit.conftest import database_of
from tests.bridge.thief import SECRET, everything_that_opens, key_in
from tests.integration.world import World
from tests.rooms import change, until

__all__ = ["made"]


async def test_a_shredded_users_events_open_no_more(made: World) -> None:
    """With copies of the database from before and after, the ledger, and the current master key."""
    before, after = made.folder / "before.db", made.folder / "after.db"
    shutil.copy(database_of(made), before)
    old, new = key_in(made.folder / "master.key"), master_key(made.folder)
    async with desk(made) as (keys, storage):
        wrapped = await storage.database.read(
            lambda c: c.execute(select(epochs.c.wrapped).where(epochs.c.owner == "user:7")).scalar_one()
        )
        shredded = await keys.shred("user", "7", str(new), by="ops")
        assert (len(shredded.kids), shredded.publications, shredded.recorded_in) == (1, 2, "_account")
        assert await storage.database.read(lambda c: storage.ring.current(c, user_owner("7"))) is None
    shutil.copy(database_of(made), after)
    assert everything_that_opens(made, [key_in(new)], [before, after]) == ALL - {SECRET + "user:7"}
    assert everything_that_opens(made, [old], [after]) == set()
    assert everything_that_opens(made, [old], [before]) == ALL  # as docs/keys.md says
    for path in after.parent.glob(f"{database_of(made).name}*"):  # not in free pages, nor in SQLite's log
        assert wrapped not in path.read_bytes()


async def test_a_shredded_campaigns_events_open_no_more_and_its_topic_says_so(made: World) -> None:
    before = made.folder / "before.db"
    shutil.copy(database_of(made), before)
    async with opened(made.config, alone=True) as storage:
        held = await storage.database.read(lambda c: storage.ring.current(c, campaign_owner("1")))
        assert held is not None
    new = master_key(made.folder)
    async with desk(made) as (keys, storage):
        shredded = await keys.shred("campaign", "1", str(new), by="ops")
        assert (shredded.kids, shredded.publications, shredded.recorded_in) == ((held.kid,), 1, "1")
        with pytest.raises(CampaignRefused, match="is closed"):
            await keys.rotate_campaign("1", by="ops")
        while await keys._rooms.carrier.advance("1"):  # what the submitter was woken for
            pass
        known = await storage.database.read(lambda c: registry.find(c, "1"))
    left = everything_that_opens(made, [key_in(new)], [before, database_of(made)])
    assert left == ALL - {SECRET + "campaign:1"}
    assert known is not None
    assert known.topic_id is not None
    last = newest_message(made, known.topic_id)
    context = TopicContext("devnet", known.topic_id, True)
    told = open_frame(last, context=context, keys=KeyTable(epochs=(held,))).events  # a grant from before
    assert [event.body for event in told if isinstance(event, Control)] == [Record((held.kid,)), Close()]


async def test_the_relay_goes_on_behind_what_was_shredded(made: World) -> None:
    """The final frame of the campaign opens for nobody here: skipped and counted; user 7 gets a key anew."""
    new = master_key(made.folder)
    async with desk(made) as (keys, _):
        await keys.shred("campaign", "1", str(new), by="ops")
        await keys.shred("user", "7", str(master_key(made.folder, "newer.key")), by="ops")
    shutil.copy(made.folder / "newer.key", made.folder / "master.key")
    async with running(made.config):
        sent = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "2", "message": "later"}, "to": "user:7"}
        assert (await made.post("/v1/events", sent))[0] == 202
        assert (await made.post("/v1/events", {**sent, "payload": {"campaignId": "1", "message": "x"}}))[0] == 409
        await until(lambda: count(made, "publications WHERE channel = 'user:7'") == 1)
        await until(lambda: count(made, "positions WHERE skipped = 1 AND halted IS NULL") == 1)
        assert count(made, "positions WHERE halted IS NOT NULL") == 0
        assert count(made, "channels WHERE channel = 'campaign:1' AND floor = top") == 1


async def test_what_waits_is_dropped_and_nothing_says_what_it_was(made: World) -> None:
    async with desk(made) as (keys, storage):
        ingest = keys._rooms.ingest
        [to_seven] = (await ingest.accept([change("2", user_id="7")], Request("a"))).ids
        [to_all] = (await ingest.accept([change("2")], Request("a"))).ids
        shredded = await keys.shred("user", "7", str(master_key(made.folder)), by="ops")
        assert shredded.dropped == 1
        found = await storage.database.read(lambda c: [outbox.status(c, id_) for id_ in (to_seven, to_all)])
        assert [status.state for status in found if status] == [EntryState.DROPPED, EntryState.WAITING]
        blank = select(entries.c.event_id).where(entries.c.body == b"", entries.c.channel != "user:7")
        assert await storage.database.read(lambda c: c.execute(blank).all()) == []
        kept = await storage.database.read(lambda c: storage.store.read(c, "campaign:2", since=0, limit=9))
        assert SECRET.encode() in kept[0].data


async def test_refused_after_it_was_shredded_it_is_parked_and_nobody_knows_what_it_was(made: World) -> None:
    async with desk(made) as (keys, storage):
        [to_seven] = (await keys._rooms.ingest.accept([change("2", user_id="7")], Request("a"))).ids
        await storage.database.write(lambda c: keys._rooms.carrier.loader.load(c, ["2"]))
        await keys.shred("user", "7", str(master_key(made.folder)), by="ops")
        broken = transactions.update().where(transactions.c.state == "intended", transactions.c.ref == "2")
        await storage.database.write(lambda c: c.execute(broken.values(message=b"")))
        announcer = Announcer(storage, only_here(Hub()))
        while await replace(keys._rooms.carrier, reject=announcer.reject).advance("2"):
            pass
        status = await storage.database.read(lambda c: outbox.status(c, to_seven))
    assert status is not None
    assert status.state is EntryState.PARKED


async def test_a_frame_under_way_goes_before_and_the_bridges_own_topic_has_the_record(made: World) -> None:
    async with desk(made) as (keys, storage):
        await keys._rooms.ingest.accept([change("1")], Request("a"))
        await storage.database.write(lambda c: keys._rooms.carrier.loader.load(c, ["1"]))  # sealed, and not sent
        shredded = await keys.shred("campaign", "1", str(master_key(made.folder)), by="ops")
        assert shredded.recorded_in == "_account"
        while await keys._rooms.carrier.advance("_account"):
            pass
        account = await storage.database.read(lambda c: registry.find(c, "_account"))
        epoch = await storage.database.read(lambda c: storage.ring.current(c, campaign_owner("_account")))
    assert account is not None
    assert account.topic_id is not None
    assert epoch is not None
    last = newest_message(made, account.topic_id)
    told = open_frame(last, context=TopicContext("devnet", account.topic_id, True), keys=KeyTable(epochs=(epoch,)))
    assert [event.body for event in told.events if isinstance(event, Control)] == [Record(shredded.kids)]
