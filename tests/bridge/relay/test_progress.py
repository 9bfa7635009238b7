"""How far topics were read: what is kept comes back, and a halt stays until a person takes it away."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from bridge import shards
from bridge.relay import progress
from bridge.relay.tail import Progress
from topics.values import Position, TopicId

TOPIC = TopicId(0, 0, 7)
numbers = st.integers(0, 2**62)
positions = st.builds(Position, numbers, numbers, st.binary(min_size=48, max_size=48))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
progresses = st.builds(
    Progress, positions, numbers, numbers, st.none() | st.binary(min_size=8, max_size=8), st.none() | st.booleans(),
    st.none() | texts, numbers, st.none() | texts,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(progresses, progresses)
def test_what_is_kept_comes_back(connection: Connection, first: Progress, then: Progress) -> None:
    for each in (first, then):
        progress.keep(connection, {TOPIC: each})
        assert progress.of(connection, TOPIC) == each


def test_a_topic_that_was_never_read_begins_at_the_start(connection: Connection) -> None:
    assert progress.of(connection, TOPIC) == Progress()
    assert progress.halted(connection, TOPIC) is None


def test_a_halt_keeps_the_place_and_its_reason(connection: Connection) -> None:
    place = Progress(Position(5, 9, b"h" * 48), 5, 2)
    progress.keep(connection, {TOPIC: place})
    progress.halt(connection, TOPIC, "why " * 200)
    assert progress.of(connection, TOPIC) == place
    assert progress.halted(connection, TOPIC) == ("why " * 200)[:300]
    progress.keep(connection, {TOPIC: place})
    assert progress.halted(connection, TOPIC) is not None
    assert progress.halted(connection, TopicId(0, 0, 8)) is None


def test_a_topic_can_halt_at_its_first_message(connection: Connection) -> None:
    progress.halt(connection, TOPIC, "gap")
    assert (progress.of(connection, TOPIC), progress.halted(connection, TOPIC)) == (Progress(), "gap")


def test_a_resumed_topic_is_swept_from_where_it_stopped(connection: Connection) -> None:
    stopped = Progress(Position(3, 5_000, bytes(48)), opened_sequence=3)
    progress.keep(connection, {TOPIC: stopped})
    shards.keep_cursor(connection, 9_000)
    assert progress.resume(connection, TOPIC, since_ns=1) is None
    assert shards.cursor_ns(connection) == 9_000
    progress.halt(connection, TOPIC, "a mirror lied")
    assert progress.resume(connection, TOPIC, since_ns=1) == "a mirror lied"
    assert progress.halted(connection, TOPIC) is None
    assert progress.of(connection, TOPIC) == stopped
    assert shards.cursor_ns(connection) == 5_000
    shards.keep_cursor(connection, 4_000)
    progress.halt(connection, TOPIC, "again")
    progress.resume(connection, TOPIC, since_ns=1)
    assert shards.cursor_ns(connection) == 4_000


def test_a_topic_that_was_halted_at_its_first_message_is_swept_from_its_beginning(connection: Connection) -> None:
    shards.keep_cursor(connection, 9_000)
    progress.halt(connection, TOPIC, "a mirror lied")
    progress.resume(connection, TOPIC, since_ns=700)
    assert shards.cursor_ns(connection) == 700
