"""What waits for somebody: halted topics, parked entries, budgets."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import insert

from bridge.doctor.contents import contents
from bridge.doctor.findings import Finding, Status
from bridge.publish import costs
from bridge.relay import progress
from bridge.schema import entries, registry
from bridge.storage import opened
from tests.bridge.doctor.ward import changed, ground_of, of
from tests.integration.world import World
from topics.devnet.settings import HBAR
from topics.values import AccountId, TopicId, TransactionId

TOPIC = TopicId(0, 0, 7001)


async def look(made: World, **budgets: float) -> list[Finding]:
    async with ground_of(changed(made.config, "budgets", **budgets)) as ground:
        return list(await contents(ground))


async def test_nothing_waits(made: World) -> None:
    assert await look(made) == []  # there is no database yet
    async with opened(made.config, alone=True):
        found = await look(made)
    assert [(each.name, each.status) for each in found] == [("topics", "ok"), ("outbox", "ok"), ("budgets", "ok")]


async def test_a_halted_topic_fails(made: World) -> None:
    async with opened(made.config, alone=True) as storage, ground_of(made.config):
        with storage.database.engine.begin() as connection:
            registry.intend(connection, "c1", owner=None, now_ms=1)
            registry.created(connection, "c1", TOPIC)
            progress.halt(connection, TOPIC, "running hash mismatch")
            progress.halt(connection, TopicId(0, 0, 7002), "sequence gap")
        found = of(await look(made), "topics")
    assert found.status is Status.FAILED
    assert "0.0.7001 of campaign c1: running hash mismatch" in found.found
    assert "2 of 2 halted" in found.found
    assert "topic show" in found.hint


def entry(number: int, state: str) -> dict[str, object]:
    return {
        "id": number, "event_id": bytes([number]) * 16, "ref": "c1", "channel": "campaign:c1", "kind": "event",
        "body": b"", "size": 1, "api_key": "backend", "accepted_ms": 1, "state": state,
        "reason": "MESSAGE_SIZE_TOO_LARGE" if state == "parked" else None,
    }  # fmt: skip


async def test_parked_entries_are_a_warning_with_the_last_reason(made: World) -> None:
    async with opened(made.config, alone=True) as storage:
        with storage.database.engine.begin() as connection:
            registry.intend(connection, "c1", owner=None, now_ms=1)
            connection.execute(insert(entries), [entry(1, "waiting"), entry(2, "flying"), entry(3, "parked")])
        found = of(await look(made), "outbox")
    assert found.status is Status.WARNING
    assert found.found == "1 parked, the last of campaign c1: MESSAGE_SIZE_TOO_LARGE; 2 under way"
    assert "outbox list" in found.hint


@pytest.mark.parametrize(
    ("day_hbar", "status", "text"),
    [(10, Status.OK, "9 of 10"), (1.2, Status.WARNING, "0.2 of 1.2"), (1, Status.FAILED, "0 of 1"), (0, Status.OK, "")],
)
async def test_what_is_left_of_the_days_budget(made: World, day_hbar: float, status: Status, text: str) -> None:
    async with opened(made.config, alone=True) as storage:
        with storage.database.engine.begin() as connection:
            for days, start in ((0, 1), (1, 2)):  # yesterday's money is nothing to today's budget
                at_ns = time.time_ns() - days * 86_400 * 10**9
                bills = costs.bills("c1", {"backend": HBAR}, at_ns=at_ns)
                costs.reserve(connection, TransactionId(AccountId(0, 0, 2), start), bills)
        found = of(await look(made, day_hbar=day_hbar), "budgets")
        campaign = of(await look(made, campaign_hbar=1.5), "budgets")
    assert found.status is status
    assert text in found.found
    assert campaign.status is Status.FAILED
    assert "campaign c1: 0 of 1.5 HBAR are left" in campaign.found
