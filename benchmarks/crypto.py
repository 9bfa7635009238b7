"""Measures what sealing costs, in bytes on the ledger and in CPU, and what an observer guesses from the lengths.

`--day FILE`: events as JSON lines (`event`, `campaignId`, `to`, `payload`) in the place of the sample day.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.demo.day import sample_day
from bridge.protocol.door.catalogue import catalogue_with
from bridge.protocol.door.changes import Limits, validate_changes
from bridge.protocol.values import Change, Event, TopicContext
from bridge.protocol.wire import cbor, cose
from bridge.protocol.wire.epochs import Epoch
from bridge.protocol.wire.events import Coded, code_event, uuid7
from bridge.protocol.wire.frame import PAD_TO, Sealing, open_frame, seal_frame
from bridge.protocol.wire.sizes import element_size, frame_size
from topics.chunks import CHUNK_BYTES
from topics.values import TopicId

CONTEXT = TopicContext("devnet", TopicId(0, 0, 7001), signed=True)
PRODUCER_SEQUENCE = 1_000_000
NOON_MS = 1_793_600_000_000
BATCHES = (1, 10, 100)
PAYLOAD_BYTES = 200
LIMITS = Limits(max_batch=1, max_payload_bytes=1 << 16)

Days = Sequence[tuple[Change, Event]]


class Keys:
    """A reader's and a writer's: one campaign's epoch, one key for every user."""

    def __init__(self) -> None:
        self.campaign, self.of_user = Epoch.of(os.urandom(32)), Epoch.of(os.urandom(32))
        self.signing = Ed25519PrivateKey.generate()
        self.sealing = Sealing(self.campaign, lambda: os.urandom(12), lambda _: self.of_user, self.signing)

    def epoch(self, kid: bytes) -> bytes | None:
        return self.campaign.key

    def user(self, kid: bytes) -> bytes | None:
        return self.of_user.key

    def seal(self, events: Sequence[Coded]) -> bytes:
        """A frame."""
        return seal_frame(events, context=CONTEXT, producer_sequence=PRODUCER_SEQUENCE, sealing=self.sealing)


def event_of(change: Change) -> Event:
    """As it goes on the ledger."""
    return Event(uuid7(NOON_MS, os.urandom(10)), change.event, NOON_MS, change.user_id, change.payload)


def day(file: Path | None) -> Days:
    """Every event of the day, as the door takes it."""
    lines: Iterable[Any] = sample_day(12, start=datetime.now(UTC))
    if file is not None:
        lines = map(json.loads, file.read_text().splitlines())
    catalogue = catalogue_with()
    given = [{name: value for name, value in line.items() if value is not None} for line in lines]
    changes = [validate_changes(line, catalogue=catalogue, limits=LIMITS)[0] for line in given]
    return [(change, event_of(change)) for change in changes]


def unpadded(coded: Coded) -> int:
    """Bytes of the frame of this event alone, were it not padded."""
    return frame_size(element_size(coded), count=1, producer_sequence=PRODUCER_SEQUENCE, signed=True, pad_to=1)


def of_bytes(size: int, *, user: str | None = None) -> Coded:
    """An event whose text has so many bytes."""
    data = {"campaignId": "1234", "message": "x" * size}
    return code_event(Event(uuid7(NOON_MS, os.urandom(10)), "CAMPAIGN_CLOSED", NOON_MS, user, dict(data)))


def fits(limit: int) -> int:
    """The longest event, in bytes of CBOR, whose signed and padded frame has at most so many."""
    keys, size = Keys(), limit
    while len(keys.seal([coded := of_bytes(size)])) > limit:
        size -= 1
    return len(coded.cbor)


def guessed(pairs: Iterable[tuple[Hashable, Hashable]]) -> dict[str, float | int]:
    """How often the best guess of the second from the first is right, and how often the commonest is.

    Guessing from very few events of a length flatters the observer: what it gives is an upper bound.
    """
    by_length, all_of = defaultdict[Hashable, Counter[Hashable]](Counter), Counter[Hashable]()
    for length, meaning in pairs:
        by_length[length][meaning] += 1
        all_of[meaning] += 1
    total = all_of.total()
    right = sum(max(meanings.values()) for meanings in by_length.values())
    return {
        "from_length": round(right / total, 3),
        "commonest": round(max(all_of.values()) / total, 3),
        "meanings": len(all_of),
        "lengths": len(by_length),
    }


def observed(events: Days) -> dict[str, Any]:
    """What lengths of frames with one event each say of its kind, and of the status that is told."""
    keys = Keys()
    lengths = [(len(keys.seal([code_event(event)])), change) for change, event in events]
    statuses = [(length, str(each.payload["newStatus"])) for length, each in lengths if "newStatus" in each.payload]
    return {"kind": guessed((length, each.event) for length, each in lengths), "status": guessed(statuses)}


def cpu_us(work: Callable[[], object], rounds: int) -> float:
    """Of one call."""
    work()
    began_s = time.process_time()
    for _ in range(rounds):
        work()
    return round((time.process_time() - began_s) / rounds * 1e6, 1)


def timed(rounds: int) -> dict[str, dict[str, float]]:
    """µs by step and events a frame. Sealing has the signature in it, opening doesn't verify it."""
    keys, found = Keys(), defaultdict[str, dict[str, float]](dict)
    public = cose.public_bytes(keys.signing)
    for count in BATCHES:
        events = [of_bytes(PAYLOAD_BYTES - 50) for _ in range(count)]
        frame, content = keys.seal(events), cbor.array([event.cbor for event in events])
        signed = cbor.encode(cose.sign1(content, keys.signing, external_aad=b"aad"))
        found["seal"][str(count)] = cpu_us(lambda: keys.seal(events), rounds)  # noqa: B023 # called at once
        found["open"][str(count)] = cpu_us(lambda: open_frame(frame, context=CONTEXT, keys=keys), rounds)  # noqa: B023
        found["sign"][str(count)] = cpu_us(lambda: cose.sign1(content, keys.signing, external_aad=b"aad"), rounds)  # noqa: B023
        read, _ = cose.read_sign1(signed)
        found["verify"][str(count)] = cpu_us(lambda: read.verify(public, external_aad=b"aad"), rounds)  # noqa: B023
    return dict(found)


def measure(file: Path | None, rounds: int) -> dict[str, Any]:
    """Everything."""
    keys, events, event, own = Keys(), day(file), of_bytes(PAYLOAD_BYTES), of_bytes(PAYLOAD_BYTES, user="77")
    coded = [code_event(each) for _, each in events]
    return {
        "overhead_bytes_campaign_event": unpadded(event) - len(event.cbor),
        "overhead_bytes_user_event": unpadded(own) - len(own.cbor),
        "payload_bytes_in_1024": fits(CHUNK_BYTES),
        "day_bytes_per_event": round(sum(len(keys.seal([each])) for each in coded) / len(coded), 1),
        "us": timed(rounds),
        "conditions": {
            "what": "overhead before padding, over the event's CBOR; signed frames; each of the day's events alone",
            "day": "sample" if file is None else file.name,
            "events": len(coded),
            "cbor_bytes_per_event": round(sum(len(each.cbor) for each in coded) / len(coded), 1),
            "pad_to": PAD_TO,
            "guessed_from_length": observed(events),
            "us": f"CPU of this process, mean of {rounds} calls; events of {PAYLOAD_BYTES} bytes",
            "cpus": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
        },
    }


def main() -> None:
    """`python -m benchmarks.crypto --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crypto")
    parser.add_argument("--day", type=Path, metavar="FILE", help="events as JSON lines; else the sample day")
    parser.add_argument("--rounds", type=int, default=500, help="calls that each time is the mean of")
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    found = measure(options.day, options.rounds)
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
