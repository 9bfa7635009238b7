"""One topic as it is read: checks each message, joins chunks, opens frames, and knows what may come next."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.config_sections import Relay
from bridge.errors import EnvelopeRejected
from bridge.protocol.channels import channel_epoch
from bridge.protocol.envelope import Place
from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire.control import Close, Control, Rotation
from bridge.protocol.wire.cose import SIGN1_TAG
from bridge.protocol.wire.epochs import KeyLookup
from bridge.protocol.wire.frame import OpenedFrame, frame_kid, open_frame
from bridge.protocol.wire.manifest import parse_manifest
from bridge.protocol.wire.order import is_replay
from bridge.relay.on_record import Ours, Recall, Recognise, no_record, strangers
from bridge.relay.placed import Noted, Placed, SealedFrame
from topics.chunks import Assembler, Whole
from topics.running_hash import Verifier
from topics.values import START, Position, TopicId, TopicMessage, TransactionId

MAX_REASON_CHARS = 300
TAG_18 = bytes([0xC0 | SIGN1_TAG])
"""The first byte of a COSE_Sign1, which only a manifest begins with."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a topic has been read: where reading resumes, and what has been opened already.

    `opened_sequence` may lie behind `resume` by the chunks of a message that isn't finished yet. `kid` is the epoch
    in force and `signed` what the manifest says of frames; None before the manifest. `closed`: nothing comes behind.
    """

    resume: Position = START
    opened_sequence: int = 0
    producer_sequence: int = 0
    kid: bytes | None = None
    signed: bool | None = None
    channel_epoch: str | None = None
    skipped: int = 0
    last_skip: str | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What some messages of a topic came to: events in consensus order, and the progress behind them.

    Of a sealed topic there are `frames` instead. `messages` are these, verified, `last_frame` the producer sequence
    that had been opened before them, `ours` those that the outbox knew. `controls` are the bridge's own messages among
    them.
    """

    events: tuple[Placed, ...]
    progress: Progress
    messages: tuple[TopicMessage, ...] = ()
    last_frame: int = 0
    controls: tuple[Noted, ...] = ()
    ours: Ours = Ours()  # noqa: RUF009 # frozen
    frames: tuple[SealedFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class TopicRules:
    """What a topic is read by: where it is, which key may be believed in it, and whether its frames stay sealed."""

    network: str
    topic_id: TopicId
    public_key: bytes
    limits: Relay
    sealed: bool = False


class TopicTail:
    """Holds a topic's verifier, its unfinished messages and its progress, from a stored progress on."""

    def __init__(self, rules: TopicRules, progress: Progress) -> None:
        self._rules = rules
        self._verifier = Verifier(rules.topic_id, progress.resume)
        self._assembler = Assembler(
            max_open_bytes=rules.limits.max_open_bytes,
            expire_sequences=rules.limits.expire_sequences,
            expire_s=rules.limits.expire_s,
        )
        self._progress = progress
        self._producer_sequence = progress.producer_sequence
        self._controls: list[Noted] = []

    @property
    def position(self) -> Position:
        """The last message that was verified: read on behind it."""
        return self._verifier.position

    @property
    def unfinished(self) -> dict[TransactionId, set[int]]:
        """The numbers of the chunks that were read, of each message that lacks others."""
        return self._assembler.unfinished

    @property
    def skipped(self) -> int:
        """Messages so far that gave nothing."""
        return self._progress.skipped

    def take(
        self,
        messages: Sequence[TopicMessage],
        keys: KeyLookup,
        recognise: Recognise = strangers,
        recall: Recall = no_record,
    ) -> Batch:
        """Take the messages that follow, in order. What we wrote ourselves needs no check of its signature.

        Of a sealed topic, frames that the outbox has on record aren't opened. Raises IntegrityError (topics),
        ProducerGap or ReceiptContradicted: the topic can't go on; this tail is spent.
        """
        events: list[Placed] = []
        frames: list[SealedFrame] = []
        last_frame = self._producer_sequence
        befores = [self._verified(message) for message in messages]
        ours = recognise(messages, last_frame)
        for message, before in zip(messages, befores, strict=True):
            if message.sequence == 1:
                epoch = channel_epoch(message.topic_id, message.running_hash)
                self._progress = dataclasses.replace(self._progress, channel_epoch=epoch)
            whole = self._assembler.add(message, before)
            if message.sequence <= self._progress.opened_sequence:
                continue  # read again only for the sake of a message that isn't finished
            for lost in self._assembler.take_tombstones():
                self._skip(lost.first_sequence, f"{lost.reason} with {len(lost.numbers)} of {lost.total} chunks")
            if whole is not None:
                placed = self._open(whole, keys, ours, recall)
                if not self._rules.sealed:
                    events += placed or ()
                elif placed is not None:
                    frames.append(SealedFrame(whole.data, whole.first_sequence, self._place(whole, 0), placed))
        resume = self._assembler.resume or self._verifier.position
        opened = max(self._progress.opened_sequence, self._verifier.position.sequence)
        self._progress = dataclasses.replace(
            self._progress, resume=resume, opened_sequence=opened, producer_sequence=self._producer_sequence
        )
        controls, self._controls = tuple(self._controls), []
        return Batch(tuple(events), self._progress, tuple(messages), last_frame, controls, ours, tuple(frames))

    def _verified(self, message: TopicMessage) -> Position:
        """The position before a message that continues it."""
        before = self._verifier.position
        self._verifier.accept(message)
        return before

    def _open(self, whole: Whole, keys: KeyLookup, ours: Ours, recall: Recall) -> tuple[Placed, ...] | None:
        """The events of a frame; None of a manifest, and of what is foreign or can't be read: it is counted."""
        try:
            if whole.data.startswith(TAG_18):  # a mirror may show what HCS never took: an empty message
                self._believe_manifest(whole)
                return None
            return self._take_frame(whole, self._opened(whole, keys, ours, recall))
        except EnvelopeRejected as rejected:
            self._skip(whole.sequence, rejected.reason)
            return None

    def _skip(self, sequence: int, reason: str) -> None:
        """Count a message that gives nothing, so that an operator sees it."""
        skipped = self._progress.skipped + 1
        self._progress = dataclasses.replace(
            self._progress, skipped=skipped, last_skip=f"sequence {sequence}: {reason}"[:MAX_REASON_CHARS]
        )

    def _believe_manifest(self, whole: Whole) -> None:
        if self._progress.kid is not None:
            raise EnvelopeRejected("a second manifest")
        rules = self._rules
        manifest = parse_manifest(whole.data, network=rules.network, topic_id=rules.topic_id, pinned=rules.public_key)
        self._progress = dataclasses.replace(self._progress, kid=manifest.kid, signed=manifest.context.signed)

    def _opened(self, whole: Whole, keys: KeyLookup, ours: Ours, recall: Recall) -> OpenedFrame:
        """A frame's content; of a sealed topic's, if it is what the outbox sent, only what that knows of it."""
        progress, rules, flight = self._progress, self._rules, ours.flights.get(whole.sequence)
        if progress.kid is None or progress.signed is None:
            raise EnvelopeRejected("a frame before the manifest")
        if rules.sealed and flight is not None and (sent := recall(flight)).frame == whole.data:
            kid, producer_sequence = frame_kid(whole.data)
            return OpenedFrame(producer_sequence, kid, sent.elements, ())
        alone = whole.first_sequence == whole.sequence  # a message of chunks is not asked after one by one
        is_ours = alone and flight is not None
        return open_frame(
            whole.data,
            context=TopicContext(rules.network, rules.topic_id, progress.signed),
            keys=keys,
            verify_with=rules.public_key if progress.signed and not is_ours else None,
        )

    def _take_frame(self, whole: Whole, frame: OpenedFrame) -> tuple[Placed, ...]:
        """Its events, if it is the next one."""
        progress, rules = self._progress, self._rules
        # An old frame may well be sealed under an old epoch: a replay is told first, and only the next one is held
        # to the epoch in force.
        if is_replay(rules.topic_id, last=self._producer_sequence, got=frame.producer_sequence):
            raise EnvelopeRejected(f"producer sequence {frame.producer_sequence} came before")
        if progress.closed:  # counted, or the one behind it would halt a topic that is over
            self._producer_sequence = frame.producer_sequence
            raise EnvelopeRejected("a frame behind the final message")
        if frame.kid != progress.kid:
            raise EnvelopeRejected("sealed under an epoch that is not in force")
        self._producer_sequence = frame.producer_sequence
        for index, event in enumerate(frame.events):
            if isinstance(event, Control):
                self._obey(event)
                self._controls.append(Noted(event, self._place(whole, index)))
        return tuple(
            Placed(event, self._place(whole, index))
            for index, event in enumerate(frame.events)
            if isinstance(event, Event)  # not our own control messages, nor what isn't opened here
        )

    def _obey(self, control: Control) -> None:
        """What a control message says holds from the next frame on."""
        match control.body:
            case Rotation(kid=kid):
                self._progress = dataclasses.replace(self._progress, kid=kid)
            case Close():
                self._progress = dataclasses.replace(self._progress, closed=True)

    def _place(self, whole: Whole, index: int) -> Place:
        return Place(self._rules.topic_id, whole.sequence, index, whole.consensus_ns, whole.running_hash)
