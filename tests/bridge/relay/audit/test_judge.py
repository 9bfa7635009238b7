"""The judge accepts what the relay accepts, event for event, and calls a fault what the relay skips or halts at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, assume, given, settings

from bridge import config_sections as sections
from bridge.protocol.wire.epochs import KeyTable
from bridge.relay.audit.judge import Judge, Rules
from bridge.relay.audit.verdict import Refuted
from bridge.relay.tail import Progress, TopicTail
from tests.bridge.protocol.samples import CAMPAIGN, NETWORK, PUBLIC_KEY, TOPIC, USER, event
from tests.bridge.relay.topic_history import (
    FORGER,
    FRAMES,
    MANIFEST,
    PAYER,
    RULES,
    History,
    Sent,
    chunked,
    frame,
    histories,
    on_ledger,
)
from topics.values import START, Position, TopicMessage

KEYS = KeyTable(epochs=(CAMPAIGN,), users=(USER,))
AUDITED = Rules(NETWORK, TOPIC, PUBLIC_KEY, sections.Relay())


@pytest.fixture(scope="module")
def workers() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def judge(workers: Executor, rules: Rules = AUDITED, start: Position = START, *, keys: KeyTable = KEYS) -> Judge:
    return Judge(rules, start, keys, workers=workers, parallel=2, all_ours=keys is not KEYS)


def ledger(*contents: bytes) -> Sequence[TopicMessage]:
    return on_ledger(Sent(content, PAYER) for content in (MANIFEST, *contents))


def fault_of(judged: Judge, messages: Sequence[TopicMessage]) -> tuple[int, str]:
    with pytest.raises(Refuted) as raised:
        judged.take(messages)
    return raised.value.sequence, raised.value.detail


@given(histories())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_it_finds_what_the_relay_relays(workers: Executor, history: History) -> None:
    relayed = TopicTail(RULES, Progress()).take(history.messages, KEYS)
    judged = judge(workers)
    try:
        pages = [judged.take(history.messages[at : at + 7]) for at in range(0, len(history.messages), 7)]
    except Refuted as refuted:
        assert refuted.detail in {"signature", "manifest"}  # noqa: PT017 # what the relay only skips
        assume(False)
    found = [each for page in pages for each in page.events]
    assert [(each.event, each.whole.sequence, each.index) for each in found] == [
        (placed.event, placed.place.sequence, placed.place.index) for placed in relayed.events
    ]
    assert (judged.counts.skipped, judged.counts.events) == (relayed.progress.skipped, len(history.events))
    assert judged.position == Position(
        len(history.messages), history.messages[-1].consensus_ns, history.messages[-1].running_hash
    )


def test_a_frame_under_our_key_that_somebody_else_signed_is_a_fault(workers: Executor) -> None:
    forged = frame([event(99)], 2, by=FORGER)
    assert fault_of(judge(workers), ledger(FRAMES[0], forged)) == (3, "signature")


def test_a_frame_that_is_missing_is_a_fault_though_the_chain_holds(workers: Executor) -> None:
    assert fault_of(judge(workers), ledger(FRAMES[0], FRAMES[2])) == (3, "producer sequence")


def test_the_earlier_of_two_faults_is_told(workers: Executor) -> None:
    messages = list(ledger(frame([event(99)], 1, by=FORGER), FRAMES[0], FRAMES[1]))
    del messages[2]
    assert fault_of(judge(workers), messages) == (2, "signature")


def test_a_manifest_of_another_key_is_a_fault(workers: Executor) -> None:
    other = Rules(NETWORK, TOPIC, bytes(32), sections.Relay())
    assert fault_of(judge(workers, other), ledger(FRAMES[0])) == (1, "manifest")


def test_without_keys_frames_are_counted_and_their_places_left_open(workers: Executor) -> None:
    judged = judge(workers, keys=KeyTable())
    page = judged.take(ledger(*FRAMES[:3], b"junk of somebody"))
    assert (judged.counts.unopened, judged.counts.skipped, page.events) == (3, 1, [])
    assert page.blind == {(2, None), (3, None), (4, None)}


def test_a_user_without_a_key_leaves_a_place_open(workers: Executor) -> None:
    judged = Judge(AUDITED, START, KeyTable(epochs=(CAMPAIGN,)), workers=workers, parallel=2)
    page = judged.take(ledger(*FRAMES))
    assert judged.counts.unopened == 0
    assert page.blind
    assert judged.counts.events + len(page.blind) == sum(1 + n % 3 for n in range(8))


def test_from_the_middle_the_first_frame_counts(workers: Executor) -> None:
    messages = ledger(*FRAMES[:5])
    before = messages[2]
    start = Position(before.sequence, before.consensus_ns, before.running_hash)
    judged = judge(workers, start=start)
    judged.begin(messages[0])
    judged.take(messages[3:])
    assert (judged.counts.messages, judged.counts.frames, judged.counts.skipped) == (3, 3, 0)
    judged = judge(workers, start=start)
    judged.begin(messages[0])
    assert fault_of(judged, on_ledger_behind(messages, FRAMES[2], FRAMES[4])) == (5, "producer sequence")


def on_ledger_behind(messages: Sequence[TopicMessage], *contents: bytes) -> Sequence[TopicMessage]:
    """Other messages behind the third."""
    return on_ledger(Sent(content, PAYER) for content in (*(each.message for each in messages[:3]), *contents))[3:]


def test_the_end_of_a_frame_that_began_before_is_a_place_left_open(workers: Executor) -> None:
    sent = [Sent(MANIFEST, PAYER), *chunked(FRAMES[0], PAYER, pieces=2, start_ns=5), Sent(FRAMES[1], PAYER)]
    messages = on_ledger(sent)
    before = messages[1]
    judged = judge(workers, start=Position(before.sequence, before.consensus_ns, before.running_hash))
    judged.begin(messages[0])
    page = judged.take(messages[2:])
    assert page.blind >= {(3, None)}
    assert judged.counts.frames == 1
