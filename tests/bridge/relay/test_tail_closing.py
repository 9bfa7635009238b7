"""The end of a topic: our final message ends it, and no frame counts behind it."""

from __future__ import annotations

from bridge.protocol.wire.control import Close, Control
from bridge.relay.tail import Progress, TopicTail
from tests.bridge.protocol.samples import AT_MS, event
from tests.bridge.relay.test_tail_epochs import KEYS, frame, numbers, read
from tests.bridge.relay.topic_history import FORGER, MANIFEST, PAYER, RULES, Sent, on_ledger
from tests.bridge.relay.topic_history import frame as signed_frame

END = Control(event(60).id, AT_MS, Close())


def test_the_final_message_is_told_with_its_place() -> None:
    batch = read(frame(1, event(1), event(2), END))
    assert numbers(batch) == [1, 2]
    [noted] = batch.controls
    assert (noted.control, noted.place.sequence, noted.place.index) == (END, 2, 2)
    assert batch.progress.closed


def test_a_frame_behind_it_is_skipped_and_counted_also_after_a_restart() -> None:
    messages = on_ledger(Sent(c, PAYER) for c in (MANIFEST, frame(1, END), frame(2, event(2)), frame(3, event(3))))
    first = TopicTail(RULES, Progress()).take(messages[:3], KEYS)
    second = TopicTail(RULES, first.progress).take(messages[3:], KEYS)
    assert [*numbers(first), *numbers(second)] == []
    assert second.controls == ()
    assert (second.progress.skipped, second.progress.last_skip) == (2, "sequence 4: a frame behind the final message")


def test_nobody_else_ends_it() -> None:
    batch = read(signed_frame([END], 1, by=FORGER), frame(1, event(1)))  # type: ignore[list-item] # an event, elsewhere
    assert numbers(batch) == [1]
    assert not batch.progress.closed
