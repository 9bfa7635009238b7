"""Events as the console lists them: each one's journey and the outbox in pages; no word of what they say or to whom."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, update

from bridge.console import events
from bridge.publish.outbox import NewEntry
from bridge.schema import entries
from tests.bridge.console.plans import Plans
from tests.bridge.publish.test_mending import add, entry, fly, park
from tests.bridge.relay.bent_mirror import publish
from tests.rooms import Rooms, change

LATEST = 10**17


def timeline(connection: Connection, ref: str = "c1", *, before: int = LATEST, limit: int = 9) -> Any:
    return events.timeline(connection, ref, before=before, limit=limit)


def numbers(found: Any) -> list[int]:
    """By the first byte of their ids."""
    return [int(row["id"][:2], 16) for row in found.get("events", found.get("entries"))]


def outbox(connection: Connection, state: str, **wanted: Any) -> Any:
    given: dict[str, Any] = {"limit": 9, "stopped": {}}
    return events.outbox(connection, state, **given | wanted)


def test_newest_first_whatever_their_state_in_pages(connection: Connection) -> None:
    add(connection, *(entry(number) for number in range(1, 7)), entry(7, "c2"))
    park(connection, 2, 5)
    fly(connection, 1)
    connection.execute(update(entries).where(entries.c.id == 4).values(state="dropped", reason="a mistake"))
    first = timeline(connection, limit=4)
    assert numbers(first) == [6, 5, 4, 3]
    assert [row["state"] for row in first["events"]] == ["waiting", "parked", "dropped", "waiting"]
    assert [row["reason"] for row in first["events"]] == [None, "the network refused it", "a mistake", None]
    second = timeline(connection, before=int(first["next"]), limit=4)
    assert (numbers(second), second["next"]) == ([2, 1], None)


async def test_the_journey_of_an_event(rooms: Rooms) -> None:
    accepted = await rooms.accept(change("c1", text="x" * 1_500))
    [before] = (await rooms.database.read(timeline))["events"]
    assert before["state"] == "waiting"
    unknown = ("sealedAt", "frame", "chunks", "consensusTimestamp", "sequence", "index", "offset")
    assert {before[name] for name in unknown} == {None}
    await rooms.carry("c1")
    [sent] = (await rooms.database.read(timeline))["events"]
    assert (sent["state"], sent["frame"], sent["chunks"], sent["sequence"]) == ("submitted", 1, 2, None)
    assert sent["acceptedAt"] <= sent["sealedAt"]
    await rooms.inbound.round(rooms.sweep)
    [done] = (await rooms.database.read(timeline))["events"]
    [news] = rooms.news
    assert done["id"].replace("-", "") == accepted.ids[0].hex()
    assert (done["state"], done["sequence"], done["index"]) == ("confirmed", 3, 0)  # behind the manifest, two chunks
    assert done["offset"] == news.publication.offset
    assert done["consensusTimestamp"] > "0"


async def test_a_user_is_not_named_and_nothing_is_opened(rooms: Rooms) -> None:
    await publish(rooms, "c1", text="what it says")
    await rooms.accept(change(None, user_id="private-77", newBalance="5"))
    found = [
        await rooms.database.read(lambda c, ref=ref: timeline(c, ref))  # type: ignore[misc]
        for ref in ("c1", "_account")
    ]
    assert [[row["to"] for row in page["events"]] for page in found] == [["campaign"], ["user"]]
    assert "private-77" not in str(found)
    assert "what it says" not in str(found)


def test_the_outbox_by_campaign_in_pages(connection: Connection) -> None:
    add(connection, entry(1, "c2"), entry(2), entry(3), entry(4, "c2"), entry(5))
    first = outbox(connection, "waiting", limit=2, stopped={"c1": "budget of campaign c1"})
    assert (numbers(first), first["next"]) == ([2, 3], "c1/3")
    assert {row["reason"] for row in first["entries"]} == {"budget of campaign c1"}
    second = outbox(connection, "waiting", after=("c1", 3), limit=2)
    assert (numbers(second), second["next"]) == ([5, 1], "c2/1")
    assert (numbers(outbox(connection, "waiting", after=("c2", 1), limit=2))) == [4]
    assert numbers(outbox(connection, "waiting", campaign="c2")) == [1, 4]
    assert numbers(outbox(connection, "waiting", campaign="c9")) == []


def test_the_outbox_by_state(connection: Connection) -> None:
    add(connection, *(entry(number) for number in (1, 2, 3)))
    park(connection, 1)
    fly(connection, 2)
    assert {state: numbers(outbox(connection, state)) for state in ("parked", "waiting", "flying", "submitted")} == {
        "parked": [1], "waiting": [3], "flying": [2], "submitted": [],
    }  # fmt: skip
    [parked] = outbox(connection, "parked")["entries"]
    assert parked == {
        "id": "01010101-0101-0101-0101-010101010101", "campaignId": "c1", "kind": "event", "to": "campaign",
        "state": "parked", "acceptedAt": "1970-01-01T00:00:00.007Z", "reason": "the network refused it",
    }  # fmt: skip


@pytest.mark.sqlite
def test_no_statement_scans_what_grows_with_events(connection: Connection, plans: Plans) -> None:
    add(connection, NewEntry(bytes(16), "c1", "campaign:c1", b"sealed", 10, "backend", 7))
    fly(connection, 0)
    with plans.noted():
        timeline(connection)
        outbox(connection, "parked")
        outbox(connection, "waiting", campaign="c1", after=("c1", 0))
    assert plans.count == 4
    assert plans.scanned() <= {"topics"}
