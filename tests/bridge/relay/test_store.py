"""The store: places in a channel, what is read back from there, and nothing readable at rest."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from bridge.errors import SealBroken
from bridge.keys.at_rest import AtRest
from bridge.protocol.door.catalogue import catalogue_with
from bridge.protocol.envelope import Place
from bridge.protocol.realtime.recovery import StreamPosition
from bridge.protocol.wire.epochs import Epoch
from bridge.relay import progress
from bridge.relay.placed import Placed, SealedFrame
from bridge.relay.store import Source, Store, portions
from bridge.relay.tail import Batch, Progress
from bridge.schema import publications
from tests.bridge.protocol.samples import event
from tests.footing import GENERATION
from topics.values import NANOS, Position, TopicId

ONE, TWO = Source(TopicId(0, 0, 7), "c1"), Source(TopicId(0, 0, 8), "c2")
STORE = Store(AtRest(Epoch.of(os.urandom(32))), catalogue_with().data_type)


def placed(source: Source, sequence: int, index: int = 0, *, audience: str | None = None, **data: str) -> Placed:
    place = Place(source.topic_id, sequence, index, sequence * NANOS, b"h" * 48)
    return Placed(event(sequence * 10 + index, audience=audience, **data), place)


def append(connection: Connection, source: Source, *events: Placed) -> list[tuple[str, int]]:
    sequence = max(each.place.sequence for each in events)
    batch = Batch(
        events, Progress(Position(sequence, sequence, b"h" * 48), sequence, channel_epoch=f"{source.topic_id}-e")
    )
    [kept] = STORE.append(connection, [(source, batch)])
    return [(news.channel, news.publication.offset) for news in kept]


def offsets(
    connection: Connection, channel: str, *, since: int = 0, limit: int = 100, reverse: bool = False
) -> list[int]:
    found = STORE.read(connection, channel, since=since, limit=limit, reverse=reverse)
    return [publication.offset for publication in found]


def test_a_campaigns_offset_is_its_place_in_the_topic(connection: Connection) -> None:
    news = append(connection, ONE, placed(ONE, 3, 0), placed(ONE, 3, 2), placed(ONE, 7, 1))
    assert news == [("campaign:c1", 3000), ("campaign:c1", 3002), ("campaign:c1", 7001)]
    assert STORE.top(connection, "campaign:c1", ONE.topic_id) == StreamPosition(7001, "0.0.7-e")


def test_what_is_stored_together_is_bounded_by_its_events() -> None:
    few, many = (Batch(tuple(placed(ONE, 3, n) for n in range(count)), Progress()) for count in (9, 499))
    opened = [(ONE, few), (ONE, many), (TWO, few), (TWO, many), (ONE, many)]
    assert [len(portion) for portion in portions(opened)] == [2, 2, 1]
    assert [each for portion in portions(opened) for each in portion] == opened
    assert list(portions([])) == []


def test_a_users_offsets_count_over_all_topics(connection: Connection) -> None:
    news = append(connection, ONE, placed(ONE, 3, 0, audience="77"), placed(ONE, 3, 1, audience="78"))
    news += append(connection, TWO, placed(TWO, 2, 0, audience="77"), placed(TWO, 2, 1))
    news += append(connection, ONE, placed(ONE, 4, 0, audience="77"))
    assert news == [("user:77", 1), ("user:78", 1), ("user:77", 2), ("campaign:c2", 2001), ("user:77", 3)]
    assert STORE.top(connection, "user:77", None) == StreamPosition(3, GENERATION)
    campaigns = [json.loads(p.data)["meta"]["campaignId"] for p in STORE.read(connection, "user:77", since=0, limit=9)]
    assert campaigns == ["c1", "c2", "c1"]


def test_channels_that_nothing_came_to(connection: Connection) -> None:
    assert STORE.top(connection, "campaign:c1", ONE.topic_id) == StreamPosition(0, "")
    assert STORE.top(connection, "campaign:c1", None) == StreamPosition(0, "")
    assert STORE.top(connection, "user:77", None) == StreamPosition(0, GENERATION)
    assert offsets(connection, "campaign:c1") == []


def test_reading_forwards_backwards_and_so_many(connection: Connection) -> None:
    append(connection, ONE, *(placed(ONE, sequence) for sequence in (3, 4, 5, 9)), placed(ONE, 9, 1, audience="77"))
    assert offsets(connection, "campaign:c1") == [3000, 4000, 5000, 9000]
    assert offsets(connection, "campaign:c1", since=4000) == [5000, 9000]
    assert offsets(connection, "campaign:c1", since=3500, limit=1) == [4000]
    assert offsets(connection, "campaign:c1", since=9001, reverse=True) == [9000, 5000, 4000, 3000]
    assert offsets(connection, "campaign:c1", since=9001, reverse=True, limit=2) == [9000, 5000]
    assert offsets(connection, "campaign:c1", since=5000, reverse=True) == [4000, 3000]
    assert offsets(connection, "campaign:c1", since=9000) == []
    assert offsets(connection, "campaign:c1", limit=0) == []


def test_a_publication_says_what_happened_and_where(connection: Connection) -> None:
    append(connection, ONE, placed(ONE, 3, 1, newStatus="CampaignRunning"))
    [publication] = STORE.read(connection, "campaign:c1", since=0, limit=1)
    message = json.loads(publication.data)
    assert message["event"] == "CAMPAIGN_STATUS_UPDATE"
    assert message["data"]["type"] == "CAMPAIGN"
    assert message["data"]["payload"] == {"newStatus": "CampaignRunning"}
    assert message["encrypted"] is False
    meta = message["meta"]
    assert (meta["phase"], meta["topicId"], meta["sequence"], meta["index"]) == ("confirmed", "0.0.7", 3, 1)
    assert meta["consensusTimestamp"] == "3.000000000"


def test_bodies_are_sealed_and_bound_to_their_place(connection: Connection) -> None:
    append(connection, ONE, placed(ONE, 3, note="a planted canary"), placed(ONE, 4))
    rows = connection.execute(select(publications.c.offset, publications.c.body)).all()
    assert all(b"canary" not in row.body for row in rows)
    connection.execute(update(publications).where(publications.c.offset == 4000).values(body=rows[0].body))
    with pytest.raises(SealBroken):
        STORE.read(connection, "campaign:c1", since=3000, limit=1)


def test_progress_moves_with_the_publications(connection: Connection) -> None:
    append(connection, ONE, placed(ONE, 3))
    assert progress.of(connection, ONE.topic_id).opened_sequence == 3
    with pytest.raises(IntegrityError), connection.begin_nested():
        append(connection, ONE, placed(ONE, 4), placed(ONE, 4))
    assert progress.of(connection, ONE.topic_id).opened_sequence == 3
    assert offsets(connection, "campaign:c1") == [3000]


def test_the_same_event_is_never_stored_twice_for_a_user(connection: Connection) -> None:
    """Its counter would hide it; the place in the topic doesn't."""
    once = placed(ONE, 3, audience="77")
    append(connection, ONE, once)
    with pytest.raises(IntegrityError), connection.begin_nested():
        append(connection, ONE, replace(once))
    assert offsets(connection, "user:77") == [1]


def test_a_sealed_frame_is_one_publication_where_its_first_event_would_be(connection: Connection) -> None:
    place = Place(ONE.topic_id, 5, 0, 5 * NANOS, b"h" * 48)
    frame = SealedFrame(b"a sealed frame", 4, place, (placed(ONE, 5, audience="77"),))
    [[news]] = STORE.append(connection, [(ONE, Batch((), Progress(channel_epoch="0.0.7-e"), frames=(frame,)))])
    assert (news.channel, news.publication.offset) == ("campaign:c1", 5000)
    assert STORE.read(connection, "campaign:c1", since=0, limit=9) == [news.publication]
    assert json.loads(news.publication.data)["meta"]["first"] == 4
    assert offsets(connection, "user:77") == []  # nobody opened it
    assert [len(each) for each in portions([(ONE, Batch((), Progress(), frames=(frame,) * 499))] * 2)] == [1, 1]
