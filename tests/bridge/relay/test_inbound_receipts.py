"""The relay when a mirror rewrites a topic, hashes and all: only our receipts tell, and that topic halts alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bridge.publish.outbox import EntryState
from bridge.relay import progress
from tests.bridge.relay.bent_mirror import bent, chained, ids, publish
from tests.rooms import Rooms
from topics.values import TopicMessage

Lie = Callable[[list[TopicMessage]], list[TopicMessage]]


def altered(shown: list[TopicMessage]) -> list[TopicMessage]:
    return [replace(m, message=m.message[:-1] + b"!") if m.sequence == 3 else m for m in shown]


def moved(shown: list[TopicMessage]) -> list[TopicMessage]:
    return [replace(m, consensus_ns=m.consensus_ns + 1) if m.sequence == 2 else m for m in shown]


def inserted(shown: list[TopicMessage]) -> list[TopicMessage]:
    return [shown[0], replace(shown[0], message=b"foreign", consensus_ns=shown[0].consensus_ns + 1), *shown[1:]]


@pytest.mark.parametrize("lie", [altered, moved, inserted])
async def test_a_topic_that_contradicts_its_receipts_halts_alone(rooms: Rooms, lie: Lie) -> None:
    accepted = [await publish(rooms, "c1", "c2"), await publish(rooms, "c1", "c2")]
    topic_id = await rooms.topic("c1")
    relay, mirror = await bent(rooms)
    mirror.bend(topic_id, lambda shown: chained(lie(shown)))
    with capture_logs() as logs:
        await relay.round(rooms.sweep)
    [log] = [log for log in logs if log["event"] == "topic halted"]
    assert log["topic"] == str(topic_id)
    assert "contradicts the receipt" in log["reason"]
    assert "another mirror" in log["hint"]
    assert "contradicts the receipt" in str(await rooms.database.read(lambda c: progress.halted(c, topic_id)))
    assert ids(rooms.news, "c1") == []
    assert [await rooms.state(first) for first, _ in accepted] == [EntryState.SUBMITTED] * 2
    assert ids(rooms.news, "c2") == [second for _, second in accepted]
    assert [await rooms.state(second) for _, second in accepted] == [EntryState.CONFIRMED] * 2


async def test_the_truth_rehashed_is_the_truth(rooms: Rooms) -> None:
    """So the lies above are told by nothing but what they change."""
    accepted = await publish(rooms, "c1")
    relay, mirror = await bent(rooms)
    mirror.bend(await rooms.topic("c1"), chained)
    await relay.round(rooms.sweep)
    assert ids(rooms.news, "c1") == list(accepted)
