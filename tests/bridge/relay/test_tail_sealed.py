"""A sealed topic: what the outbox has on record is handed on unopened, and all else is checked as anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from bridge.errors import ProducerGap
from bridge.protocol.values import Event
from bridge.protocol.wire.control import Close, Control, Rotation
from bridge.protocol.wire.epochs import Epoch, KeyTable
from bridge.protocol.wire.events import code_event
from bridge.protocol.wire.frame import Opened, Sealed, Sealing, seal_frame
from bridge.relay.on_record import Ours, Sent
from bridge.relay.tail import Batch, Progress, TopicTail
from tests.bridge.protocol.samples import AT_MS, CAMPAIGN, SIGNED, SIGNING_KEY, USER, event, fixed_key
from tests.bridge.relay.topic_history import FORGER, IVS, MANIFEST, PAYER, RULES, chunked, on_ledger
from tests.bridge.relay.topic_history import Sent as OnLedger
from topics.values import TopicMessage

SECOND = Epoch.of(fixed_key("campaign 1234, second epoch"))
KEYS = KeyTable(epochs=(CAMPAIGN, SECOND))
RULES_SEALED = replace(RULES, sealed=True)
EVENT = Sealed(b"")


class NoKeys:
    """Who is asked for a key has opened something."""

    def epoch(self, kid: bytes) -> bytes | None:
        raise AssertionError("a frame was opened")

    user = epoch


def frame(
    producer_sequence: int, *content: Event | Control, epoch: Epoch = CAMPAIGN, by: object = SIGNING_KEY
) -> bytes:
    sealing = Sealing(epoch, IVS, lambda _user: USER, by)  # type: ignore[arg-type] # one of two test keys
    return seal_frame(
        [code_event(each) for each in content], context=SIGNED, producer_sequence=producer_sequence, sealing=sealing
    )


def on_record(frames: Mapping[int, tuple[bytes, Sequence[Opened]]], *messages: TopicMessage) -> Batch:
    """The messages, of which those up to `sequence` number's flights are on record; none may be opened."""
    flights = {message.sequence: message.sequence for message in messages if message.sequence in frames}
    return TopicTail(RULES_SEALED, Progress()).take(
        messages,
        NoKeys(),
        lambda _messages, _last: Ours(flights),
        lambda flight: Sent(frames[flight][0], tuple(frames[flight][1])),
    )


def unknown(*frames: bytes) -> Batch:
    """The frames behind a manifest, for a relay whose outbox knows nothing of them."""
    messages = on_ledger(OnLedger(content, PAYER) for content in (MANIFEST, *frames))
    return TopicTail(RULES_SEALED, Progress()).take(messages, KEYS)


def test_what_is_on_record_is_not_opened() -> None:
    first, second = frame(1, event(1)), frame(2, event(2), event(3))
    messages = on_ledger(OnLedger(content, PAYER) for content in (MANIFEST, first, second))
    batch = on_record({2: (first, [EVENT]), 3: (second, [EVENT, EVENT])}, *messages)
    assert [(passed.data, passed.first, passed.place.sequence) for passed in batch.frames] == [
        (first, 2, 2),
        (second, 3, 3),
    ]
    assert batch.events == ()
    assert [passed.events for passed in batch.frames] == [(), ()]
    assert (batch.progress.producer_sequence, batch.progress.skipped) == (2, 0)


def test_a_frame_of_chunks_is_compared_whole() -> None:
    whole = frame(1, event(1))
    sent = [OnLedger(MANIFEST, PAYER), *chunked(whole, PAYER, pieces=3, start_ns=7)]
    messages = on_ledger(sent)
    [passed] = on_record({4: (whole, [EVENT])}, *messages).frames
    assert (passed.data, passed.first, passed.place.sequence) == (whole, 2, 4)
    forged = [sent[0], replace(sent[1], content=b"x" * len(sent[1].content)), *sent[2:]]
    with pytest.raises(AssertionError, match="opened"):
        on_record({4: (frame(1, event(1)), [EVENT])}, *messages)
    batch = TopicTail(RULES_SEALED, Progress()).take(
        on_ledger(forged), KEYS, lambda _messages, _last: Ours({3: 4, 4: 4}), lambda _flight: Sent(whole, (EVENT,))
    )
    assert batch.frames == ()
    assert batch.progress.skipped == 1


def test_control_messages_hold_without_a_frame_being_opened() -> None:
    rotation, close = Control(event(50).id, AT_MS, Rotation(SECOND.kid, None)), Control(event(51).id, AT_MS, Close())
    frames = frame(1, event(1), rotation), frame(2, event(2), epoch=SECOND), frame(3, close, epoch=SECOND)
    messages = on_ledger(OnLedger(content, PAYER) for content in (MANIFEST, *frames))
    elements: list[Sequence[Opened]] = [[EVENT, rotation], [EVENT], [close]]
    batch = on_record({n: (each, of) for n, (each, of) in enumerate(zip(frames, elements, strict=True), 2)}, *messages)
    assert [passed.data for passed in batch.frames] == [*frames]
    assert (batch.progress.kid, batch.progress.closed) == (SECOND.kid, True)
    assert [(noted.control, noted.place.sequence, noted.place.index) for noted in batch.controls] == [
        (rotation, 2, 1),
        (close, 4, 0),
    ]


def test_what_is_not_on_record_is_opened_to_be_checked() -> None:
    true, forged, second = frame(1, event(1)), frame(2, event(9), by=FORGER), frame(2, event(2))
    batch = unknown(true, b"noise", forged, true, second)
    assert [passed.data for passed in batch.frames] == [true, second]
    assert [placed.event for passed in batch.frames for placed in passed.events] == [event(1), event(2)]
    assert batch.events == ()
    assert batch.progress.skipped == 3


def test_a_missing_frame_halts() -> None:
    with pytest.raises(ProducerGap):
        unknown(frame(1, event(1)), frame(3, event(3)))
    messages = on_ledger(OnLedger(content, PAYER) for content in (MANIFEST, frame(1, event(1)), frame(3, event(3))))
    with pytest.raises(ProducerGap):
        on_record({n: (messages[n - 1].message, [EVENT]) for n in (2, 3)}, *messages)
