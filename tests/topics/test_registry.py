"""The registry: a campaign's topic is found both ways, kept once, and only goes forward."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, MetaData, create_engine
from sqlalchemy.exc import IntegrityError

from topics.registry import Registry, TopicState, registry_table
from topics.values import TopicId

METADATA = MetaData()
REGISTRY = Registry(registry_table(METADATA))
TOPIC = TopicId(0, 0, 7)


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def intend(connection: Connection, ref: str = "c1", *, owner: str | None = None, now_ms: int = 1) -> None:
    REGISTRY.intend(connection, ref, owner=owner, now_ms=now_ms)


def state(connection: Connection, ref: str = "c1") -> TopicState:
    found = REGISTRY.find(connection, ref)
    assert found is not None
    return found.state


def test_a_campaign_is_registered_once(connection: Connection) -> None:
    first = REGISTRY.intend(connection, "c1", owner="7", now_ms=1)
    assert REGISTRY.intend(connection, "c1", owner="7", now_ms=2) == first
    assert REGISTRY.find(connection, "c1") == first
    assert (first.topic_id, first.state, first.signed) == (None, TopicState.INTENDED, None)


def test_an_owner_is_filled_in_and_never_replaced(connection: Connection) -> None:
    intend(connection)
    assert REGISTRY.intend(connection, "c1", owner="7", now_ms=1).owner == "7"
    assert REGISTRY.intend(connection, "c1", owner="8", now_ms=1).owner == "7"
    assert REGISTRY.intend(connection, "c1", owner=None, now_ms=1).owner == "7"


def test_a_campaign_closes_once_and_for_good(connection: Connection) -> None:
    intend(connection)
    REGISTRY.created(connection, "c1", TOPIC)
    REGISTRY.ready(connection, "c1")
    for now_ms in (5, 6):
        REGISTRY.close(connection, "c1", now_ms=now_ms)
    closing = REGISTRY.find(connection, "c1")
    assert closing is not None
    assert (closing.closing_ms, closing.takes_events, closing.status) == (5, False, "closing")
    REGISTRY.closed(connection, TOPIC)
    REGISTRY.ready(connection, "c1")
    closed = REGISTRY.find(connection, "c1")
    assert closed is not None
    assert (closed.state, closed.takes_events, closed.status) == (TopicState.CLOSED, False, "closed")


def test_a_campaign_may_be_told_to_close_before_it_has_a_topic(connection: Connection) -> None:
    intend(connection)
    REGISTRY.close(connection, "c1", now_ms=5)
    REGISTRY.created(connection, "c1", TOPIC)
    REGISTRY.ready(connection, "c1")
    found = REGISTRY.find(connection, "c1")
    assert found is not None
    assert (found.state, found.takes_events, found.status) == (TopicState.READY, False, "closing")


def test_why_of_many_which_take_no_more_events(connection: Connection) -> None:
    for ref in ("open", "closing", "closed", "not asked for"):
        intend(connection, ref)
    REGISTRY.close(connection, "closing", now_ms=2)
    REGISTRY.created(connection, "closed", TOPIC)
    REGISTRY.closed(connection, TOPIC)
    found = REGISTRY.endings(connection, ["open", "closing", "closed", "unknown"])
    assert found == {"open": None, "closing": "closing", "closed": "closed"}


def test_the_topic_is_kept_once_and_found_both_ways(connection: Connection) -> None:
    intend(connection)
    REGISTRY.created(connection, "c1", TOPIC)
    REGISTRY.created(connection, "c1", TopicId(0, 0, 8))
    found = REGISTRY.by_topic(connection, TOPIC)
    assert found == REGISTRY.find(connection, "c1")
    assert found is not None
    assert found.topic_id == TOPIC
    assert REGISTRY.by_topic(connection, TopicId(0, 0, 8)) is None


def test_two_campaigns_never_share_a_topic(connection: Connection) -> None:
    for ref in ("c1", "c2"):
        intend(connection, ref)
    REGISTRY.created(connection, "c1", TOPIC)
    with pytest.raises(IntegrityError):
        REGISTRY.created(connection, "c2", TOPIC)


def test_states_go_forward_alone(connection: Connection) -> None:
    intend(connection)
    REGISTRY.ready(connection, "c1")
    assert state(connection) is TopicState.INTENDED
    REGISTRY.created(connection, "c1", TOPIC)
    assert state(connection) is TopicState.CREATED
    REGISTRY.manifested(connection, "c1", signed=True)
    REGISTRY.ready(connection, "c1")
    REGISTRY.created(connection, "c1", TOPIC)
    assert state(connection) is TopicState.READY
    found = REGISTRY.find(connection, "c1")
    assert found is not None
    assert found.signed is True


def test_a_name_of_our_own_may_have_a_topic_that_is_no_campaigns(connection: Connection) -> None:
    REGISTRY.reserve(connection, "_own", now_ms=1)
    REGISTRY.created(connection, "_own", TOPIC)
    REGISTRY.ready(connection, "_own")
    found = REGISTRY.find(connection, "_own")
    assert found is not None
    assert (found.topic_id, found.state, found.takes_events) == (TOPIC, TopicState.NONE, False)
    assert REGISTRY.by_topic(connection, TOPIC) is None
    assert list(REGISTRY.all(connection)) == []
    assert REGISTRY.refs_unready(connection) == []


def test_who_still_waits_for_a_topic_or_its_manifest(connection: Connection) -> None:
    for ref in ("c1", "c2", "c3"):
        intend(connection, ref)
    REGISTRY.created(connection, "c2", TOPIC)
    REGISTRY.created(connection, "c3", TopicId(0, 0, 8))
    REGISTRY.ready(connection, "c3")
    assert sorted(REGISTRY.refs_unready(connection)) == ["c1", "c2"]


def test_a_name_of_our_own_is_no_campaign(connection: Connection) -> None:
    for _ in range(2):
        REGISTRY.reserve(connection, "_ours", now_ms=1)
    assert list(REGISTRY.all(connection)) == []
    assert REGISTRY.refs_unready(connection) == []
    assert state(connection, "_ours") is TopicState.NONE


def test_all_in_the_order_of_registration(connection: Connection) -> None:
    for now_ms, ref in enumerate(("c3", "c1", "c2")):
        intend(connection, ref, now_ms=now_ms)
    assert [registration.ref for registration in REGISTRY.all(connection)] == ["c3", "c1", "c2"]
    assert REGISTRY.find(connection, "nobody") is None


def test_whether_its_frames_stay_sealed_is_fixed_at_the_beginning(connection: Connection) -> None:
    first = REGISTRY.intend(connection, "c1", owner="7", now_ms=1, sealed=True)
    assert REGISTRY.intend(connection, "c1", owner="7", now_ms=2) == first == REGISTRY.find(connection, "c1")
    REGISTRY.intend(connection, "c2", owner="7", now_ms=1)
    assert first.sealed
    assert REGISTRY.sealed(connection, ["c1", "c2", "c3"]) == {"c1"}
