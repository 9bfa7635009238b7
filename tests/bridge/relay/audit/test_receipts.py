"""Receipts: each is held against its message, page by page, and their order is that of the frames."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from bridge.relay import progress
from bridge.relay.audit import receipts as room
from bridge.relay.audit.looking import ReadOnly
from bridge.relay.audit.receipts import Receipts, newest, recorded
from bridge.relay.audit.verdict import Counts, Refuted
from tests.bridge.relay.audit.conftest import EVENTS, database_of
from tests.integration.world import World
from topics.values import AccountId, TopicMessage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def view(relayed: World) -> Iterator[ReadOnly]:
    view = ReadOnly(relayed.config.database)
    yield view
    view.close()


def shown(made: World) -> list[TopicMessage]:
    [topic] = made.devnet.network.mirror.topics.values()
    return [topic.messages.at(index) for index in range(len(topic.messages))]


def receipts(view: ReadOnly, made: World, *, first: int = 1) -> Receipts:
    [topic_id] = made.devnet.network.mirror.topics
    read = view.read(lambda c: progress.of(c, topic_id))
    return Receipts(topic_id, recorded(view, topic_id, first=first), newest=newest(view, topic_id), read=read)


@pytest.mark.parametrize("at_once", [1, 2, 500])
async def test_all_are_held_however_they_come(
    relayed: World, view: ReadOnly, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "AT_ONCE", at_once)
    held, counts, messages = receipts(view, relayed), Counts(), shown(relayed)
    assert held.newest == EVENTS + 1
    for at in range(0, len(messages), 3):
        held.hold(messages[at : at + 3], counts)
    assert counts.receipts == EVENTS + 1


async def test_what_is_before_the_first_is_left_out(relayed: World, view: ReadOnly) -> None:
    held, counts = receipts(view, relayed, first=4), Counts()
    held.hold(shown(relayed)[3:], counts)
    assert counts.receipts == EVENTS - 2


@pytest.mark.parametrize(
    ("lie", "what"),
    [
        ({"running_hash": bytes(48)}, "running hash against our receipt"),
        ({"payer": AccountId(0, 0, 7)}, "payer against our receipt"),
        ({"message": b"another"}, "message against our receipt"),
    ],
)
async def test_what_differs_is_told(relayed: World, view: ReadOnly, lie: dict[str, object], what: str) -> None:
    messages = shown(relayed)
    messages[2] = replace(messages[2], **lie)  # type: ignore[arg-type]
    with pytest.raises(Refuted) as raised:
        receipts(view, relayed).hold(messages, Counts())
    assert (raised.value.sequence, raised.value.detail) == (3, what)


async def test_receipts_in_another_order_than_their_frames_contradict(relayed: World, view: ReadOnly) -> None:
    with closing(sqlite3.connect(database_of(relayed))) as connection, connection:
        connection.execute("UPDATE transactions SET sequence = 9 - sequence WHERE sequence IN (3, 6)")
    held, messages = receipts(view, relayed), shown(relayed)

    def hold_all() -> None:
        for at in range(0, len(messages), 2):
            held.hold(messages[at : at + 2], Counts())

    with pytest.raises(Refuted) as raised:
        hold_all()
    assert raised.value.sequence in {3, 6}
