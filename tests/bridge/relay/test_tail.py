"""One topic read: whatever stands in it or is shown of it, no false event, no event twice, none out of order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config_sections import Relay
from bridge.errors import EnvelopeRejected, ProducerGap
from bridge.protocol.channels import channel_epoch
from bridge.protocol.values import Event
from bridge.protocol.wire.epochs import KeyTable
from bridge.relay.on_record import Ours, strangers
from bridge.relay.placed import Placed
from bridge.relay.tail import Progress, TopicTail
from tests.bridge.protocol.samples import CAMPAIGN, KEYS, event
from tests.bridge.relay.topic_history import (
    EVENTS,
    FORGER,
    FRAMES,
    MANIFEST,
    PAYER,
    RULES,
    STRANGER,
    History,
    Sent,
    again,
    chunked,
    edits,
    frame,
    histories,
    on_ledger,
)
from topics.errors import IntegrityError, RunningHashMismatch, SequenceGap
from topics.values import TopicMessage

FEW = settings(max_examples=80, deadline=None)


def read(messages: Sequence[TopicMessage], progress: Progress | None = None) -> tuple[list[Placed], Progress]:
    batch = TopicTail(RULES, progress or Progress()).take(messages, KEYS)
    return list(batch.events), batch.progress


def read_one_by_one(messages: Sequence[TopicMessage]) -> tuple[list[Event], bool]:
    """The events until the topic halts, and whether it halted."""
    tail = TopicTail(RULES, Progress())
    found: list[Event] = []
    for message in messages:
        try:
            found += [placed.event for placed in tail.take([message], KEYS).events]
        except (IntegrityError, ProducerGap):
            return found, True
    return found, False


@FEW
@given(histories())
def test_noise_is_skipped_and_counted_and_the_events_come_in_order(history: History) -> None:
    placed, progress = read(history.messages)
    assert tuple(each.event for each in placed) == history.events
    assert progress.skipped == history.skipped
    assert (progress.last_skip is None) == (history.skipped == 0)
    assert progress.channel_epoch == channel_epoch(RULES.topic_id, history.messages[0].running_hash)
    by_sequence = {message.sequence: message for message in history.messages}
    for each in placed:
        message = by_sequence[each.place.sequence]
        assert (each.place.consensus_ns, each.place.running_hash) == (message.consensus_ns, message.running_hash)
    assert [(e.place.sequence, e.place.index) for e in placed] == sorted(
        {(e.place.sequence, e.place.index) for e in placed}
    )


@FEW
@given(histories(), st.data())
def test_a_reader_that_is_stopped_anywhere_goes_on_exactly(history: History, data: st.DataObject) -> None:
    whole, end = read(history.messages)
    found: list[Placed] = []
    progress = Progress()
    for _ in range(data.draw(st.integers(1, 4))):
        ahead = history.messages[progress.resume.sequence :]
        cut = data.draw(st.integers(0, len(ahead)))
        events, progress = read(ahead[:cut], progress)
        found += events
    events, progress = read(history.messages[progress.resume.sequence :], progress)
    assert found + events == whole
    for name in ("opened_sequence", "producer_sequence", "kid", "signed", "channel_epoch", "skipped", "last_skip"):
        assert getattr(progress, name) == getattr(end, name)


@settings(max_examples=150, deadline=None)
@given(histories(), st.data(), st.booleans())
def test_no_lie_of_a_mirror_makes_a_false_event(history: History, data: st.DataObject, careful: bool) -> None:
    """A careful liar hashes anew: then the frames themselves show it. What was read before the halt is true."""
    shown = data.draw(edits(history.messages))
    found, halted = read_one_by_one(again(shown) if careful else shown)
    assert tuple(found) == history.events[: len(found)]
    if not careful and any(not message.message for message in shown):
        assert halted


@FEW
@given(histories(), st.data())
def test_what_the_running_hash_covers_is_not_changed_unnoticed(history: History, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(history.messages) - 1))
    lying = list(history.messages)
    lie = data.draw(st.sampled_from(["drop", "double", "alter", "swap"]))
    if lie == "drop":
        del lying[at]
        if at == len(lying):
            return  # nothing shows that more was to come
    elif lie == "double":
        lying.insert(at, lying[at])
    elif lie == "alter":
        lying[at] = replace(lying[at], message=lying[at].message + b"x")
    else:
        other = data.draw(st.integers(0, len(lying) - 1))
        if other == at:
            return
        lying[at], lying[other] = lying[other], lying[at]
    with pytest.raises((SequenceGap, RunningHashMismatch)):
        read(lying)


def ours(*contents: bytes) -> tuple[TopicMessage, ...]:
    return on_ledger(Sent(content, PAYER) for content in contents)


def test_a_missing_frame_halts() -> None:
    with pytest.raises(ProducerGap, match="expected producer sequence 2, got 3"):
        read(ours(MANIFEST, FRAMES[0], FRAMES[2]))


def test_a_frame_again_is_skipped_and_the_next_goes_on() -> None:
    placed, progress = read(ours(MANIFEST, FRAMES[0], FRAMES[0], FRAMES[1]))
    assert [each.event for each in placed] == [*EVENTS[0], *EVENTS[1]]
    assert (progress.skipped, progress.last_skip) == (1, "sequence 3: producer sequence 1 came before")


def test_a_forged_frame_is_skipped_and_the_true_one_counts() -> None:
    placed, progress = read(ours(MANIFEST, frame([event(9)], 1, by=FORGER), FRAMES[0]))
    assert [each.event for each in placed] == EVENTS[0]
    assert progress.skipped == 1


def test_the_first_manifest_stands() -> None:
    placed, progress = read(ours(MANIFEST, MANIFEST, FRAMES[0]))
    assert [each.event for each in placed] == EVENTS[0]
    assert progress.last_skip == "sequence 2: a second manifest"


def test_before_the_manifest_nothing_is_believed() -> None:
    placed, progress = read(ours(FRAMES[0], MANIFEST))
    assert placed == []
    assert progress.last_skip == "sequence 1: a frame before the manifest"
    assert progress.kid == CAMPAIGN.kid


def test_a_manifest_by_another_key_is_not_believed() -> None:
    rules = type(RULES)(RULES.network, RULES.topic_id, FORGER.public_key().public_bytes_raw(), RULES.limits)
    batch = TopicTail(rules, Progress()).take(ours(MANIFEST, FRAMES[0]), KEYS)
    assert batch.events == ()
    assert (batch.progress.kid, batch.progress.skipped) == (None, 2)


def test_what_the_outbox_knows_byte_for_byte_needs_no_check_of_its_signature() -> None:
    """Nobody else's bytes get by: a frame that another key signed is skipped wherever the outbox doesn't have it."""
    messages = ours(MANIFEST, frame([event(1)], 1, by=FORGER))
    known = TopicTail(RULES, Progress()).take(messages, KEYS, lambda _messages, _last: Ours({2: 1}))
    assert [placed.event for placed in known.events] == [event(1)]
    for recognise in (strangers, lambda _messages, _last: Ours({1: 1})):
        batch = TopicTail(RULES, Progress()).take(messages, KEYS, recognise)
        assert (batch.events, batch.progress.skipped) == ((), 1)


def test_a_user_whose_key_is_gone_leaves_a_hole_and_the_others_their_index() -> None:
    batch = TopicTail(RULES, Progress()).take(ours(MANIFEST, *FRAMES[:3]), KeyTable(epochs=(CAMPAIGN,)))
    assert all(placed.event.audience is None for placed in batch.events)
    everyone, _ = read(ours(MANIFEST, *FRAMES[:3]))
    assert list(batch.events) == [placed for placed in everyone if placed.event.audience is None]
    assert batch.progress.skipped == 0


def test_a_campaign_whose_key_is_gone_is_skipped_and_counted() -> None:
    batch = TopicTail(RULES, Progress()).take(ours(MANIFEST, *FRAMES[:3]), KeyTable())
    assert (batch.events, batch.progress.skipped) == ((), 3)


@pytest.mark.parametrize("content", [b"", b"\xd2", b"\xd0", b"\x00", bytes(1024), MANIFEST[:-1], FRAMES[0][:-1]])
def test_anything_may_stand_in_a_topic(content: bytes) -> None:
    placed, progress = read(ours(MANIFEST, content, FRAMES[0]))
    assert [each.event for each in placed] == EVENTS[0]
    assert progress.skipped == 1


def test_reading_resumes_before_the_oldest_unfinished_message() -> None:
    parts = chunked(FRAMES[0], PAYER, pieces=3, start_ns=1)
    messages = on_ledger([Sent(MANIFEST, PAYER), parts[0], Sent(b"noise", STRANGER), parts[1], parts[2]])
    _, progress = read(messages[:4])
    assert (progress.resume.sequence, progress.opened_sequence, progress.skipped) == (1, 4, 1)
    placed, progress = read(messages[1:], progress)
    assert [each.event for each in placed] == EVENTS[0]
    assert {each.place.sequence for each in placed} == {5}
    assert (progress.resume.sequence, progress.skipped) == (5, 1)


def test_a_message_that_is_never_finished_is_given_up_and_counted_once() -> None:
    rules = replace(RULES, limits=Relay(expire_sequences=3, expire_s=2.0))
    half = chunked(b"half of something else", STRANGER, pieces=2, start_ns=1)[0]
    messages = on_ledger([Sent(MANIFEST, PAYER), half, *(Sent(content, PAYER) for content in FRAMES[:5])])
    batch = TopicTail(rules, Progress()).take(messages, KEYS)
    assert [placed.event for placed in batch.events] == [one for events in EVENTS[:5] for one in events]
    assert (batch.progress.skipped, batch.progress.last_skip) == (1, "sequence 2: expired with 1 of 2 chunks")
    assert batch.progress.resume.sequence == 7


def test_one_that_was_given_up_is_not_counted_again_after_a_restart() -> None:
    """Some of its chunks stand behind where reading begins again, before another that isn't given up yet."""
    rules = replace(RULES, limits=Relay(expire_sequences=3, expire_s=2.0))
    lost = chunked(b"two thirds of something", STRANGER, pieces=3, start_ns=1)
    other = chunked(b"half of something else", STRANGER, pieces=2, start_ns=2)
    content = [Sent(MANIFEST, PAYER), lost[0], other[0], lost[1], *(Sent(frame, PAYER) for frame in FRAMES)]
    messages, progress, skipped = on_ledger(content), Progress(), []
    for end in range(1, len(messages) + 1):
        tail = TopicTail(rules, progress)  # a restart before each message
        progress = tail.take(messages[progress.resume.sequence : end], KEYS).progress
        skipped.append(progress.skipped)
    assert skipped == [0, 0, 0, 0, 0, 1, *[2] * 6]
    assert progress.last_skip == "sequence 3: expired with 1 of 2 chunks"


def test_an_envelope_that_is_rejected_never_ends_a_topic() -> None:
    assert not issubclass(EnvelopeRejected, (IntegrityError, ProducerGap))
