"""What an operator is shown of the outbox: never what an event says, and all that helps to find what is wrong."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from bridge.alone import desk_alone
from bridge.commands import outbox_view
from bridge.commands.outbox_view import Waits
from bridge.config import Config
from bridge.protocol.door.changes import Limits, validate_changes
from bridge.protocol.values import JSON
from bridge.publish import outbox
from bridge.publish.ingest import Ingest, Request
from bridge.publish.welcome import Welcome
from bridge.schema import costs
from bridge.storage import Storage, now_ms, opened
from bridge.supervise import supervised
from tests.bridge.commands.stand_ins import ScriptedDoor, listening
from tests.bridge.commands.test_topic import at
from tests.integration.world import World, world

CANARY = "a planted canary"


async def accepted(storage: Storage, *campaigns: str) -> list[str]:
    """An event of each of these campaigns."""
    ingest = Ingest(storage.database, storage.ring, storage.at_rest, Welcome(True), now_ms=now_ms)
    raw: list[JSON] = [
        {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": campaign, "message": CANARY}} for campaign in campaigns
    ]
    changes = validate_changes(raw, catalogue=storage.catalogue, limits=Limits())
    taken = await ingest.accept(changes, Request("backend"))
    return [str(uuid.UUID(bytes=event_id)) for event_id in taken.ids]


async def filled(made: World) -> list[str]:
    """Two events of campaign 1, of which the first is parked, and one of campaign 2; nothing is submitted."""
    async with opened(made.config, alone=True) as storage, supervised({"database": storage.database.run}):
        ids = await accepted(storage, "1", "1", "2")
        [first, *_] = await storage.database.read(lambda c: outbox.waiting(c, "1", limit=9, max_bytes=100_000))
        await storage.database.write(lambda c: outbox.park(c, [first.id], "the network refused it"))
        spent = {"scope": "campaign", "name": "2", "tinybar": 90_000_000, "tinycents": 0, "reserved_tinybar": 0}
        row = spent | {"transactions": 1, "events": 1}
        await storage.database.write(lambda c: c.execute(costs.insert().values(row)))
        return ids


def printed(tables: Iterable[Table]) -> list[str]:
    out = io.StringIO()
    for table in tables:
        Console(file=out, width=160).print(table)
    return out.getvalue().splitlines()


async def test_the_list(tmp_path: Path) -> None:
    async with world(tmp_path, budgets__campaign_hbar=1.0) as made:
        parked, waiting, other = await filled(made)
        view = await outbox_view.listing(made.config, campaign=None, state=None, limit=2)
    one, two = view["campaigns"]
    assert (one["campaign"], one["waiting"]["count"], one["parked"]["count"]) == ("1", 1, 1)
    assert 0 <= one["parked"]["oldest_age_s"] < 60
    assert one["in_the_way"] == ["its topic is intended"]
    assert two["in_the_way"] == [
        "its topic is intended",
        "budget of campaign 2: 0.9 of 1 HBAR are spent or reserved",
    ]
    assert [(each["event"], each["state"], each["reason"]) for each in view["entries"]] == [
        (parked, "parked", "the network refused it"),
        (waiting, "waiting", None),
    ]
    header, _, *lines = printed(outbox_view.tables(view))
    assert header.rstrip() == f"nothing leaves: no daemon answers at {made.http}: start `hcs-bridge serve`"
    assert lines[0].split() == ["campaign", "waiting", "parked", "oldest", "in", "the", "way"]
    assert any(parked in line and "the network refused it" in line for line in lines)
    assert other not in "".join(lines)
    assert CANARY not in "".join(lines)


async def test_one_campaign_or_one_state_alone(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        parked, _, other = await filled(made)
        of_two = await outbox_view.listing(made.config, campaign="2", state=None, limit=9)
        of_state = await outbox_view.listing(made.config, campaign=None, state="parked", limit=9)
    assert [each["event"] for each in of_two["entries"]] == [other]
    assert [each["event"] for each in of_state["entries"]] == [parked]
    assert [row["campaign"] for row in of_state["campaigns"]] == ["1"]


WAITING, PARKED = {"waiting": {"count": 1}}, {"parked": {"count": 1}}


@pytest.mark.parametrize(
    ("rows", "waits", "why"),
    [
        ([], Waits("no daemon"), None),
        ([WAITING], Waits(), None),
        ([WAITING], Waits("no daemon"), "no daemon"),
        ([WAITING, WAITING], Waits(None, {"0": "a budget"}, 1), None),
        ([WAITING, PARKED], Waits(None, {"0": "a budget"}, 1), "a budget"),
        ([WAITING, WAITING], Waits(None, {"0": "a budget", "1": "a key"}, 2), "a budget; a key"),
        ([WAITING, WAITING], Waits(None, {"0": "a budget"}, 2), "a budget"),  # of the other it wasn't told
        ([PARKED], Waits(), "what is here is parked; retry it or drop it"),
        ([{"submitted": {"count": 1}}], Waits("no daemon"), None),
    ],
)
def test_why_nothing_leaves(rows: list[dict[str, Any]], waits: Waits, why: str | None) -> None:
    campaigns = [{"campaign": str(number), **row} for number, row in enumerate(rows)]
    assert outbox_view.nothing_leaves(campaigns, waits) == why


async def test_a_daemon_that_tells_us_nothing_is_no_reason(config: Config) -> None:
    async with listening(ScriptedDoor(lambda _: (403, {}, {}))) as url:
        assert await outbox_view.waits_of(at(config, url)) == Waits()
    told = {"nodes": "none of the 2 nodes answers", "stopped": 1, "campaigns": {"1": "it"}}
    async with listening(ScriptedDoor(lambda _: (200, told, {}))) as url:
        found = await outbox_view.waits_of(at(config, url))
    assert found == Waits("none of the 2 nodes answers", {"1": "it"}, 1)


async def test_the_story_of_one_event(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        parked, _, other = await filled(made)
        async with desk_alone(made.config) as desk:
            await desk.drop([other], by="command line", reason="a mistake")
            await desk.close("2", by="")
        found = await outbox_view.story(made.config, parked)
        gone = await outbox_view.story(made.config, other)
        ending = await outbox_view.listing(made.config, campaign="2", state=None, limit=9)
        end = await outbox_view.story(made.config, ending["entries"][0]["event"])
        assert await outbox_view.story(made.config, str(uuid.uuid4())) is None
    assert found is not None
    assert gone is not None
    assert end is not None
    assert (found["type"], found["state"], found["reason"]) == ("CAMPAIGN_CLOSED", "parked", "the network refused it")
    assert (gone["state"], gone["handled_by"]) == ("dropped", "command line")
    assert gone["reason"] == "given up by an operator: a mistake"
    assert (end["type"], end["transactions"]) == ("close", [])
    assert CANARY not in str([found, gone, end, *printed(outbox_view.story_tables(found))])


def test_transactions_are_a_table_of_their_own() -> None:
    sent: dict[str, Any] = {"id": "0.0.2@1.5", "chunk": "1 of 2", "state": "settled", "status": "SUCCESS"}
    lines = printed(outbox_view.story_tables({"event": "e", "cost_hbar": None, "transactions": [sent]}))
    assert [line.split() for line in lines if line.strip()] == [
        ["event", "e"],
        ["transaction", "chunk", "state", "status"],
        ["0.0.2@1.5", "1", "of", "2", "settled", "SUCCESS"],
    ]
