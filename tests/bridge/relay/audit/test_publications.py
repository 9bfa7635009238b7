"""What clients were given is what the ledger says: a body sealed for its place, with other contents, is found."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from bridge.commands.verify import audited
from bridge.keys.at_rest import AtRest
from bridge.keys.load import load_keys
from bridge.keys.ring import STORE, KeyRing
from bridge.relay.audit.looking import ReadOnly
from bridge.relay.audit.source import Span
from bridge.relay.store import LABEL
from tests.bridge.relay.audit.conftest import database_of
from tests.integration.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("part", "other", "what"),
    [
        (b'"message":"m2"', b'"message":"m3"', "store, index 0, payload"),
        (b"CAMPAIGN_CLOSED", b"CAMPAIGN_OPENED", "store, index 0, type"),
        (b'"runningHash":"', b'"runningHash":"x', "store, index 0, running hash"),
        (b'"consensusTimestamp":"', b'"consensusTimestamp":"1', "store, index 0, consensus time"),
    ],
)
async def test_a_body_that_says_something_else(relayed: World, part: bytes, other: bytes, what: str) -> None:
    view = ReadOnly(relayed.config.database)
    store_key = view.read(lambda c: KeyRing(load_keys(relayed.config.keys).master, max_cached=1).current(c, STORE))
    view.close()
    assert store_key is not None
    at_rest, channel, offset = AtRest(store_key), "campaign:1", 4000
    place = (channel, offset)
    with closing(sqlite3.connect(database_of(relayed))) as connection, connection:
        where = "WHERE channel = ? AND offset = ?"
        [body] = connection.execute(f"SELECT body FROM publications {where}", place).fetchone()  # noqa: S608
        told = at_rest.open(body, LABEL, *place)
        assert part in told
        changed = at_rest.seal(told.replace(part, other), LABEL, *place)
        connection.execute(f"UPDATE publications SET body = ? {where}", (changed, *place))  # noqa: S608
    verdict = await audited(relayed.config, "1", pin=None, span=Span())
    assert verdict.fault is not None
    assert (verdict.fault.sequence, verdict.fault.detail) == (4, what)
    assert "m2" not in verdict.as_text()


@pytest.mark.parametrize(("gone", "fault"), [([1, 2], False), ([2], True), ([1, 2, 3], False)])
async def test_what_a_users_channel_no_longer_keeps_is_no_fault(relayed: World, gone: list[int], fault: bool) -> None:
    with closing(sqlite3.connect(database_of(relayed))) as connection, connection:
        connection.execute("UPDATE channels SET floor = ? WHERE channel = 'user:77'", (max(gone),))
        rows = [("user:77", offset) for offset in gone]
        connection.executemany("DELETE FROM publications WHERE channel = ? AND offset = ?", rows)
    verdict = await audited(relayed.config, "1", pin=None, span=Span())
    assert (verdict.fault is not None) == fault
    if not fault:
        assert verdict.counts.pruned == len(gone)
        assert f"{len(gone)} publications to users are no longer kept" in verdict.as_text()


async def test_what_is_missing_above_no_floor_is_a_fault(relayed: World) -> None:
    with closing(sqlite3.connect(database_of(relayed))) as connection, connection:
        connection.execute("DELETE FROM publications WHERE channel = 'user:77' AND offset = 1")
    verdict = await audited(relayed.config, "1", pin=None, span=Span())
    assert verdict.fault is not None
    assert verdict.fault.got == "nothing"
