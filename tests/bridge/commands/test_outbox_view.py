"""What an operator is shown of the outbox: never what an event says, and all that helps to find what is wrong."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bridge.alone import desk_alone
from bridge.commands import outbox_view
from bridge.protocol.door.changes import Limits, validate_changes
from bridge.protocol.values import JSON
from bridge.publish import outbox
from bridge.publish.ingest import Ingest, Request
from bridge.schema import costs
from bridge.storage import Storage, now_ms, opened
from bridge.supervise import supervised
from tests.integration.world import World, world

CANARY = "a planted canary"


async def accepted(storage: Storage, *campaigns: str) -> list[str]:
    """An event of each of these campaigns."""
    ingest = Ingest(storage.database, storage.ring, storage.at_rest, create_on_demand=True, now_ms=now_ms)
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
        [first, *_] = await storage.database.read(lambda c: outbox.waiting(c, "1", limit=9))
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
    lines = printed(outbox_view.tables(view))
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
