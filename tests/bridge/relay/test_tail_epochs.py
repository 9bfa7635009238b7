"""Which epoch is in force where: only a rotation in its place in the order changes it."""

from __future__ import annotations

from bridge.protocol.values import Event
from bridge.protocol.wire.control import Control, Rotation
from bridge.protocol.wire.epochs import Epoch, KeyTable
from bridge.protocol.wire.events import code_event
from bridge.protocol.wire.frame import Sealing, seal_frame
from bridge.relay.tail import Batch, Progress, TopicTail
from tests.bridge.protocol.samples import AT_MS, CAMPAIGN, SIGNED, SIGNING_KEY, USER, event, fixed_key
from tests.bridge.relay.topic_history import IVS, MANIFEST, PAYER, RULES, Sent, on_ledger

SECOND = Epoch.of(fixed_key("campaign 1234, second epoch"))
KEYS = KeyTable(epochs=(CAMPAIGN, SECOND))
ROTATION = Control(event(50).id, AT_MS, Rotation(SECOND.kid, None))


def frame(producer_sequence: int, *content: Event | Control, epoch: Epoch = CAMPAIGN) -> bytes:
    sealing = Sealing(epoch, IVS, lambda _user: USER, SIGNING_KEY)
    return seal_frame(
        [code_event(each) for each in content], context=SIGNED, producer_sequence=producer_sequence, sealing=sealing
    )


def read(*frames: bytes, keys: KeyTable = KEYS) -> Batch:
    messages = on_ledger(Sent(content, PAYER) for content in (MANIFEST, *frames))
    return TopicTail(RULES, Progress()).take(messages, keys)


def numbers(batch: Batch) -> list[int]:
    return [placed.event.time_ms - AT_MS for placed in batch.events]


def test_an_epoch_that_was_not_announced_is_not_in_force() -> None:
    batch = read(frame(1, event(1), epoch=SECOND), frame(1, event(2)))
    assert numbers(batch) == [2]
    assert batch.progress.last_skip == "sequence 2: sealed under an epoch that is not in force"


def test_a_rotation_holds_from_the_next_frame() -> None:
    old, new = frame(3, event(3)), frame(3, event(4), epoch=SECOND)
    batch = read(frame(1, event(1)), frame(2, event(2), ROTATION, event(9)), old, new)
    assert numbers(batch) == [1, 2, 9, 4]
    assert [placed.place.index for placed in batch.events] == [0, 0, 2, 0]
    assert batch.progress.kid == SECOND.kid
    assert batch.progress.skipped == 1


def test_a_replay_from_an_old_epoch_is_told_as_one() -> None:
    first = frame(1, event(1))
    batch = read(first, frame(2, ROTATION), first, frame(3, event(3), epoch=SECOND))
    assert numbers(batch) == [1, 3]
    assert batch.progress.last_skip == "sequence 4: producer sequence 1 came before"


def test_progress_remembers_the_epoch_in_force() -> None:
    messages = on_ledger(Sent(c, PAYER) for c in (MANIFEST, frame(1, ROTATION), frame(2, event(2), epoch=SECOND)))
    before = TopicTail(RULES, Progress()).take(messages[:2], KEYS)
    batch = TopicTail(RULES, before.progress).take(messages[2:], KEYS)
    assert numbers(batch) == [2]


def test_frames_of_an_epoch_whose_key_is_not_held_are_skipped() -> None:
    batch = read(frame(1, event(1), ROTATION), frame(2, event(2), epoch=SECOND), keys=KeyTable(epochs=(CAMPAIGN,)))
    assert numbers(batch) == [1]
    assert batch.progress.skipped == 1
