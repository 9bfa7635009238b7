"""A topic's messages as a ledger would show them: a manifest, frames, and whatever else found its way there."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from bridge import config_sections as sections
from bridge.protocol.values import Event
from bridge.protocol.wire.events import code_event
from bridge.protocol.wire.frame import Sealing, seal_frame
from bridge.protocol.wire.manifest import Belongs, build_manifest
from bridge.relay.tail import TopicRules
from tests.bridge.protocol.samples import (
    CAMPAIGN,
    NETWORK,
    PUBLIC_KEY,
    SIGNED,
    SIGNING_KEY,
    TOPIC,
    USER,
    counted_ivs,
    event,
    fixed_key,
)
from topics.chunks import split
from topics.running_hash import next_running_hash
from topics.values import NANOS, START, AccountId, ChunkInfo, TopicId, TopicMessage, TransactionId

PAYER, STRANGER = AccountId(0, 0, 1001), AccountId(0, 0, 9)
FIRST_NS = 1_793_600_000 * NANOS
RULES = TopicRules(NETWORK, TOPIC, PUBLIC_KEY, sections.Relay())
IVS = counted_ivs()
FORGER = Ed25519PrivateKey.from_private_bytes(fixed_key("a forger"))


def frame(events: Sequence[Event], producer_sequence: int, *, by: Ed25519PrivateKey = SIGNING_KEY) -> bytes:
    """A sealed frame of the topic, signed by the bridge or by somebody else who has the campaign's key."""
    sealing = Sealing(CAMPAIGN, IVS, lambda _user: USER, by)
    return seal_frame(
        [code_event(each) for each in events], context=SIGNED, producer_sequence=producer_sequence, sealing=sealing
    )


MANIFEST = build_manifest(
    Belongs("1234", "77"), context=SIGNED, epoch=CAMPAIGN, iv=IVS(), wrapped=None, signing_key=SIGNING_KEY
)
EVENTS = [[event(10 * n + m, audience="77" if (n + m) % 3 == 0 else None) for m in range(1 + n % 3)] for n in range(8)]
FRAMES = [frame(events, n) for n, events in enumerate(EVENTS, 1)]


@dataclass(frozen=True, slots=True)
class Sent:
    """One message on its way to the topic."""

    content: bytes
    payer: AccountId
    chunk: ChunkInfo | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What stands in the topic, the events that must come of it, and how many messages must be skipped."""

    messages: tuple[TopicMessage, ...]
    events: tuple[Event, ...]
    skipped: int


def chunked(content: bytes, payer: AccountId, *, pieces: int, start_ns: int) -> list[Sent]:
    """The message in so many chunks; one: without chunk info."""
    if pieces == 1:
        return [Sent(content, payer)]
    parts = split(content, -(-len(content) // pieces))
    initial = TransactionId(payer, start_ns)
    return [Sent(part, payer, ChunkInfo(initial, number, len(parts))) for number, part in enumerate(parts, 1)]


def on_ledger(sent: Iterable[Sent]) -> tuple[TopicMessage, ...]:
    """Sequence numbers, consensus timestamps and running hashes, as consensus would give them."""
    found: list[TopicMessage] = []
    running_hash = START.running_hash
    for sequence, each in enumerate(sent, 1):
        at_ns = FIRST_NS + sequence * NANOS
        running_hash = next_running_hash(
            running_hash, each.content, payer=each.payer, topic_id=TOPIC, consensus_ns=at_ns, sequence=sequence
        )
        found.append(TopicMessage(TOPIC, sequence, at_ns, each.content, running_hash, each.payer, each.chunk))
    return tuple(found)


def again(messages: Sequence[TopicMessage]) -> tuple[TopicMessage, ...]:
    """The same contents numbered and hashed anew: what a mirror that lies with care would show."""
    return on_ledger(Sent(each.message, each.payer or PAYER, each.chunk) for each in messages)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Frames in order, in one to three chunks each, and noise anywhere between and inside them."""
    start_ns = itertools.count(FIRST_NS)
    count = draw(st.integers(0, len(FRAMES)))
    lines: list[list[Sent]] = [[Sent(MANIFEST, PAYER)]]
    for content in FRAMES[:count]:
        pieces = draw(st.integers(1, 3))
        lines += [chunked(content, PAYER, pieces=pieces, start_ns=next(start_ns))]
    stream = [each for line in lines for each in line]
    ends = list(itertools.accumulate(len(line) for line in lines))
    skipped = 0
    for _ in range(draw(st.integers(0, 5))):
        noise, whole, earliest = draw(_noise(count, ends, next(start_ns)))
        skipped += whole
        at = sorted(draw(st.lists(st.integers(earliest, len(stream)), min_size=len(noise), max_size=len(noise))))
        for shift, (place, each) in enumerate(zip(at, noise, strict=True)):
            stream.insert(place + shift, each)
        ends = [end + sum(place < end for place in at) for end in ends]
    events = tuple(each for line in EVENTS[:count] for each in line)
    return History(on_ledger(stream), events, skipped)


@st.composite
def _noise(draw: st.DrawFn, count: int, ends: list[int], start_ns: int) -> tuple[list[Sent], bool, int]:
    """Messages that must not count, whether they make a whole one, and the earliest place where they may stand."""
    kind = draw(st.sampled_from(["junk", "unfinished", "replay", "manifest", "forged"]))
    pieces = draw(st.integers(1, 3))
    if kind == "replay" and count:
        which = draw(st.integers(1, count))
        return chunked(FRAMES[which - 1], PAYER, pieces=pieces, start_ns=start_ns), True, ends[which]
    if kind == "manifest":
        return chunked(MANIFEST, PAYER, pieces=pieces, start_ns=start_ns), True, ends[0]
    if kind == "forged":
        forged = frame([event(99)], draw(st.integers(1, count + 1)), by=FORGER)
        return chunked(forged, PAYER, pieces=pieces, start_ns=start_ns), True, 0
    junk = draw(st.binary(min_size=3, max_size=40))
    payer = draw(st.sampled_from([PAYER, STRANGER]))
    parts = chunked(junk, payer, pieces=pieces, start_ns=start_ns)
    if kind == "unfinished" and len(parts) > 1:
        return parts[: draw(st.integers(1, len(parts) - 1))], False, 0
    return parts, True, 0


@st.composite
def edits(draw: st.DrawFn, messages: Sequence[TopicMessage]) -> tuple[TopicMessage, ...]:
    """The messages after some lies."""
    edited = list(messages)
    for _ in range(draw(st.integers(1, 3))):
        if not edited:
            break
        at = draw(st.integers(0, len(edited) - 1))
        lie = draw(st.sampled_from(["drop", "double", "swap", "alter", "empty", "topic", "chunk", "time", "payer"]))
        by = draw(st.integers(0, 10_000))
        if lie == "drop":
            del edited[at]
        elif lie == "double":
            edited.insert(at, edited[at])
        elif lie == "swap":
            edited[at], edited[by % len(edited)] = edited[by % len(edited)], edited[at]
        else:
            infos = [each.chunk for each in messages if each.chunk] or [ChunkInfo(TransactionId(PAYER, 1), 1, 1)]
            edited[at] = _bent(edited[at], lie, by, infos[by % len(infos)])
    return tuple(edited)


def _bent(message: TopicMessage, lie: str, by: int, info: ChunkInfo) -> TopicMessage:
    """The message with one thing about it changed, `info` being some chunk's of the topic."""
    match lie:
        case "alter" if message.message:
            place = by % len(message.message)
            changed = bytearray(message.message)
            changed[place] ^= 1 + by % 255
            return replace(message, message=bytes(changed))
        case "empty":
            return replace(message, message=b"")
        case "topic":
            return replace(message, topic_id=TopicId(0, 0, TOPIC.num + 1))
        case "chunk":
            return replace(message, chunk=replace(info, number=by % 4, total=by // 4 % 4) if by % 2 else info)
        case "time":
            return replace(message, consensus_ns=message.consensus_ns + by - 5_000)
        case "payer":
            return replace(message, payer=STRANGER if message.payer == PAYER else PAYER)
    return message
