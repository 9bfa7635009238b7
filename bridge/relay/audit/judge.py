"""Judges a topic by what stands in it: the chain of hashes, the manifest, each frame's seal, signature and place."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from bridge.config_sections import Relay
from bridge.errors import EnvelopeRejected, KeyMissing, ProducerGap
from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire.control import Close, Control, Rotation
from bridge.protocol.wire.epochs import KeyLookup
from bridge.protocol.wire.frame import OpenedFrame, Sealed, frame_kid, open_frame
from bridge.protocol.wire.manifest import Manifest, parse_manifest
from bridge.protocol.wire.order import is_replay
from bridge.relay.audit.verdict import Counts, Refuted
from bridge.relay.tail import TAG_18
from topics.chunks import Assembler, Whole
from topics.errors import IntegrityError
from topics.running_hash import Verifier
from topics.values import Position, TopicId, TopicMessage


@dataclass(frozen=True, slots=True)
class Rules:
    """What a topic is held to. `public_key` is the pinned bridge key, None without a pin."""

    network: str
    topic_id: TopicId
    public_key: bytes | None
    limits: Relay


@dataclass(frozen=True, slots=True)
class Found:
    """An event, and the message that ends its frame."""

    event: Event
    index: int
    whole: Whole


@dataclass(frozen=True, slots=True)
class Page:
    """Messages that follow each other, and what they came to.

    `blind` are the places (sequence, index; None for all there) where something may stand that can't be seen here;
    `frames` those that were taken, whatever they hold.
    """

    messages: Sequence[TopicMessage]
    events: Sequence[Found]
    blind: frozenset[tuple[int, int | None]]
    frames: Sequence[Whole] = ()


class Judge:
    """Holds one topic's audit: how far it came, and what may come next. `workers` open frames side by side.

    Unlike the relay, which skips it, this takes a frame that opens under our key and isn't signed by ours for a fault.
    """

    def __init__(
        self,
        rules: Rules,
        start: Position,
        keys: KeyLookup,
        *,
        workers: Executor,
        parallel: int,
        all_ours: bool = False,
    ) -> None:
        self.counts = Counts()
        self.manifest: Manifest | None = None
        self._rules = rules
        self._keys = keys
        self._workers = workers
        self._parallel = parallel
        self._all_ours = all_ours
        self._from_the_middle = start.sequence > 0
        self._verifier = Verifier(rules.topic_id, start)
        limits = rules.limits
        self._assembler = Assembler(
            max_open_bytes=limits.max_open_bytes,
            expire_sequences=limits.expire_sequences,
            expire_s=limits.expire_s,
        )
        self._kid: bytes | None = None
        self._producer_sequence: int | None = None if self._from_the_middle else 0
        self._closed = False
        self._frames: list[Whole] = []

    @property
    def position(self) -> Position:
        """Up to here the chain holds."""
        return self._verifier.position

    def begin(self, first: TopicMessage) -> None:
        """Take the manifest from message 1, for an audit that begins behind it. Raises Refuted."""
        if first.message.startswith(TAG_18):
            self._believe(Whole(first.message, 1, first.consensus_ns, first.running_hash, 1, first.payer))
            self._kid = None  # there may have been rotations since: the first frame tells

    def take(self, messages: Sequence[TopicMessage]) -> Page:
        """The messages that follow, in order. Raises Refuted at the first fault of them; the audit is over then."""
        wholes: list[Whole] = []
        blind: set[tuple[int, int | None]] = set()
        broken: Refuted | None = None
        for message in messages:
            before = self._verifier.position
            try:
                self._verifier.accept(message)
            except IntegrityError as error:
                broken = Refuted.by_chain(error, self._rules.topic_id)
                break
            self.counts.messages += 1
            whole = self._assembler.add(message, before)
            self.counts.skipped += len(self._assembler.take_tombstones())
            if whole is not None:
                wholes.append(whole)
            elif self._from_the_middle and _ends_one(message):  # which may have begun before
                blind.add((message.sequence, None))
        self._frames = []
        events = self._judge(wholes, blind)  # what comes before the break is told first
        if broken is not None:
            raise broken
        return Page(messages, events, frozenset(blind), self._frames)

    def _judge(self, wholes: Sequence[Whole], blind: set[tuple[int, int | None]]) -> list[Found]:
        rest = list(wholes)
        while rest and self.manifest is None:
            whole = rest.pop(0)
            if whole.data.startswith(TAG_18):
                self._believe(whole)
            else:
                self.counts.skipped += 1  # a frame before the manifest, or none of ours
        size = -(-len(rest) // self._parallel) or 1
        parts = [rest[at : at + size] for at in range(0, len(rest), size)]
        events: list[Found] = []
        for part, opened in zip(parts, self._workers.map(self._open_all, parts), strict=True):
            for whole, frame in zip(part, opened, strict=True):
                events += self._place(whole, frame, blind)
        self.counts.events += len(events)
        return events

    def _believe(self, whole: Whole) -> None:
        rules = self._rules
        try:
            self.manifest = parse_manifest(
                whole.data, network=rules.network, topic_id=rules.topic_id, pinned=rules.public_key
            )
        except EnvelopeRejected as error:
            wanted = "one that the pinned key signed" if rules.public_key else "one that its own key signed"
            raise self._refuted(whole, "manifest", expected=wanted, got=error.reason) from error
        self._kid = self.manifest.kid
        self.counts.signatures += 1

    def _open_all(self, wholes: Sequence[Whole]) -> list[OpenedFrame | EnvelopeRejected]:
        """In a worker: Ed25519 and AES leave the interpreter to others meanwhile."""
        return [self._open(whole) for whole in wholes]

    def _open(self, whole: Whole) -> OpenedFrame | EnvelopeRejected:
        if whole.data.startswith(TAG_18):
            return EnvelopeRejected("a second manifest")
        try:
            return open_frame(whole.data, context=self._context, keys=self._keys, verify_with=self._signer)
        except EnvelopeRejected as rejected:
            return rejected

    @property
    def _context(self) -> TopicContext:
        if self.manifest is None:
            raise RuntimeError("no frame is opened before the manifest")
        return self.manifest.context

    @property
    def _signer(self) -> bytes | None:
        """Whose signature frames must have; without a pin at least the key's that the manifest names."""
        if self.manifest is None or not self.manifest.context.signed:
            return None
        return self.manifest.public_key

    def _place(
        self, whole: Whole, frame: OpenedFrame | EnvelopeRejected, blind: set[tuple[int, int | None]]
    ) -> list[Found]:
        if isinstance(frame, KeyMissing) and (self._all_ours or self._kid in (None, frame.kid)):
            self._pass_unopened(whole)
            blind.add((whole.sequence, None))
            return []
        if isinstance(frame, EnvelopeRejected):
            self._check_forged(whole)
            self.counts.skipped += 1
            return []
        if not self._is_next(whole, frame):
            self.counts.skipped += 1
            return []
        self.counts.frames += 1
        self._frames.append(whole)
        self.counts.signatures += self._signer is not None
        for event in frame.events:
            match event:
                case Control(body=Rotation(kid=kid)):
                    self._kid = kid
                case Control(body=Close()):
                    self._closed = True
        blind.update((whole.sequence, n) for n, event in enumerate(frame.events) if isinstance(event, Sealed))
        return [Found(event, n, whole) for n, event in enumerate(frame.events) if isinstance(event, Event)]

    def _is_next(self, whole: Whole, frame: OpenedFrame) -> bool:
        """As the relay decides it: replays, frames behind the end and those of other epochs are skipped."""
        got, last = frame.producer_sequence, self._producer_sequence
        if last is None:  # from the middle: the first one counts
            last, self._kid = got - 1, frame.kid
        try:
            if is_replay(self._rules.topic_id, last=last, got=got):
                return False
        except ProducerGap as gap:
            raise self._refuted(whole, "producer sequence", expected=last + 1, got=got) from gap
        if not self._closed and frame.kid != self._kid:
            return False
        self._producer_sequence = got
        return not self._closed

    def _pass_unopened(self, whole: Whole) -> None:
        """Ours by its kid, or as far as is known; its producer sequence is a claim, but the only word there is."""
        self.counts.unopened += 1
        claimed = frame_kid(whole.data)[1]
        if self._producer_sequence is not None and claimed == self._producer_sequence + 1:
            self._producer_sequence = claimed

    def _check_forged(self, whole: Whole) -> None:
        """Raise Refuted for what opens under the campaign's key and isn't signed: somebody else has that key."""
        if self._signer is None or whole.data.startswith(TAG_18):
            return
        try:
            open_frame(whole.data, context=self._context, keys=self._keys)
        except EnvelopeRejected:
            return
        raise self._refuted(whole, "signature", expected="the bridge key's", got="another's, on a frame under our key")

    def _refuted(self, whole: Whole, what: str, *, expected: object, got: object) -> Refuted:
        return Refuted(self._rules.topic_id, whole.sequence, what, expected=expected, got=got)


def _ends_one(message: TopicMessage) -> bool:
    return message.chunk is not None and message.chunk.number == message.chunk.total
