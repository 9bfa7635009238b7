"""What an audit of a topic came to: what was looked at, what it showed, and the first thing that doesn't hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.errors import IntegrityBroken
from bridge.protocol.values import JSON
from topics.errors import IntegrityError, RunningHashMismatch, SequenceGap
from topics.values import TopicId

MAX_SHOWN_CHARS = 120


class Refuted(IntegrityBroken):
    """At `sequence` something else is shown than must be there. Ends the audit."""

    def __init__(self, topic_id: TopicId, sequence: int, what: str, *, expected: object, got: object) -> None:
        self.sequence = sequence
        self.detail = what
        self.expected = _shown(expected)
        self.got = _shown(got)
        super().__init__(f"topic {topic_id}", f"sequence {sequence}: {what}: expected {self.expected}, got {self.got}")

    @classmethod
    def by_chain(cls, error: IntegrityError, topic_id: TopicId) -> Refuted:
        """From what the verifier of sequence numbers and running hashes says."""
        match error:
            case SequenceGap(expected=expected, got=got):
                return cls(topic_id, expected, "sequence number", expected=expected, got=got)
            case RunningHashMismatch(expected=expected, got=got) if expected != got:
                return cls(topic_id, error.sequence, "running hash", expected=expected, got=got)
            case _:
                right = "version 3, and a consensus time behind the last"
                return cls(topic_id, error.sequence, "running hash version or time", expected=right, got="another")


@dataclass(slots=True)
class Counts:
    """What was looked at, and what became of it.

    `unopened`: frames that no key here opens; their signatures stay unseen. `receipts` are those of our own that the
    messages were held against, `publications` those of the store that agree, `pruned` those that users' channels no
    longer keep.
    """

    messages: int = 0
    frames: int = 0
    events: int = 0
    skipped: int = 0
    unopened: int = 0
    signatures: int = 0
    receipts: int = 0
    publications: int = 0
    pruned: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of messages `first` to `last`. `pinned` tells whether a bridge key was pinned, `signed` what the manifest says.

    `start` is the running hash that was shown before `first`, where that isn't 1. `store` tells whether there was
    a database to compare with; `bundle` the network that the bundle names, None for what a mirror showed; `halted`
    why the relay reads no further.
    """

    topic_id: TopicId
    first: int
    last: int
    counts: Counts = field(default_factory=Counts)
    pinned: bool = False
    signed: bool | None = None
    start: bytes | None = None
    store: bool = False
    bundle: str | None = None
    halted: str | None = None
    fault: Refuted | None = None

    @property
    def result(self) -> str:
        """`verified`, `unverified` (nothing speaks against it, but not all could be checked), or `failed`."""
        if self.fault is not None:
            return "failed"
        return "unverified" if self.lacking else "verified"

    @property
    def lacking(self) -> str:
        """What of the signatures couldn't be checked, and why; empty if they all were."""
        if self.signed is None:
            return "no manifest"
        if not self.pinned:
            whose = "manifest's own key's" if self.bundle is None else "key's that is named in the bundle itself"
            return f"signatures are only the {whose}: pin the bridge key with --pin"
        if self.counts.unopened:
            return f"no key here opens {self.counts.unopened:,} frames: what they hold, signatures included, is unseen"
        return ""

    def as_text(self) -> str:
        """One line."""
        if self.fault is not None:
            fault = self.fault
            return f"FAILED at sequence {fault.sequence}: {fault.detail}: expected {fault.expected}, got {fault.got}"
        network = "" if self.bundle is None else f" of {self.bundle}"
        return f"{self.result}: topic {self.topic_id}{network}, " + "; ".join(
            [", ".join(self._numbers()), *self._notes()]
        )

    def as_json(self) -> dict[str, JSON]:
        """The same for a machine; `fault` is null or {sequence, what, expected, got}."""
        counts = self.counts
        fault: JSON = None
        if self.fault is not None:
            fault = {
                "sequence": self.fault.sequence,
                "what": self.fault.detail,
                "expected": self.fault.expected,
                "got": self.fault.got,
            }
        return {
            "result": self.result,
            "topic": str(self.topic_id),
            "first": self.first,
            "last": self.last,
            **{name: getattr(counts, name) for name in counts.__slots__},
            "pinned": self.pinned,
            "signed": self.signed,
            "start": None if self.start is None else self.start.hex(),
            "store": self.store,
            "bundle": self.bundle,
            "lacking": self.lacking or None,
            "halted": self.halted,
            "fault": fault,
        }

    def _numbers(self) -> list[str]:
        counts = self.counts
        texts = [f"{counts.messages:,} messages, {counts.events:,} events, {counts.skipped:,} skipped"]
        if self.signed:
            texts.append(f"{counts.signatures:,} signatures")
        if self.store:
            texts.append(f"{counts.receipts:,} receipts and {counts.publications:,} publications of the store agree")
        if counts.pruned:
            texts.append(f"{counts.pruned:,} publications to users are no longer kept")
        if self.bundle is not None:
            texts.append(f"{counts.receipts:,} receipts in the bundle agree")
        return texts

    def _notes(self) -> list[str]:
        notes = []
        if self.lacking:
            notes.append(self.lacking)
        if self.signed is False:
            notes.append("frames aren't signed, as the manifest says")
        if self.start is not None:
            whose = "mirror's" if self.bundle is None else "bundle's"
            notes.append(f"from sequence {self.first} on, begun with the {whose} own running hash {_shown(self.start)}")
        if self.halted is not None:
            notes.append(f"the relay is halted here ({self.halted}): `hcs-bridge topic resume` lets it read on")
        return notes


def _shown(value: Any) -> str:
    text = f"{value.hex()[:16]}…" if isinstance(value, bytes) else str(value)
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}…"
