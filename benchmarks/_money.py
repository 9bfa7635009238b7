"""What the day's events cost: in frames of so many events, and as one JSON message each under a separate submit key.

Fees are estimated from the lengths that the real frames have; what a running daemon was charged for some of them
must be the same to the tinybar.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks._world import World, until
from bridge.protocol.channels import ACCOUNT
from bridge.protocol.door.catalogue import catalogue_with
from bridge.protocol.door.changes import Limits, validate_changes
from bridge.protocol.values import Event
from bridge.protocol.wire.events import code_event, uuid7
from bridge.protocol.wire.sizes import element_size, frame_size
from topics.chunks import split
from topics.fees import TINYCENTS_PER_USD, ExchangeRate, Fee, submit_fee
from topics.ledger.estimates import submit_estimate
from topics.ledger.port import Submission
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings
from topics.values import AccountId, ChunkInfo, TopicId, TransactionId

BATCHES = (1, 4, 16)
NAIVE_FIELDS = ("at", "campaignId", "to", "event", "payload")
LEAN_FIELDS = ("campaignId", "event", "payload")
PAD_TO = 32

Change = dict[str, Any]
_ID = TransactionId(AccountId(0, 0, 1001), 1_795_392_000 * 10**9)
_TOPIC = TopicId(0, 0, 7001)


@dataclass(frozen=True, slots=True)
class Prices:
    """USD an event: by frame size, over the groups that fill one, and naively, over all of the day."""

    usd_per_event: Mapping[str, float]
    naive: float
    conditions: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Naive:
    usd_per_event: float
    bytes_per_event: float


def read_day(path: Path) -> list[Change]:
    """A file as `hcs-bridge publish` takes it: one event a line."""
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def prices(day: Sequence[Change]) -> Prices:
    """By estimate, from every event of the day. Events of no campaign share the account's topic."""
    stories: dict[str, list[Change]] = {}
    for change in day:
        stories.setdefault(change.get("campaignId") or ACCOUNT, []).append(change)
    per_event, left_over = dict[str, float](), dict[str, int]()
    for batch in BATCHES:
        cents, events = 0, 0
        for story in stories.values():
            groups = [story[at : at + batch] for at in range(0, len(story) - batch + 1, batch)]
            cents += sum(fee.total for n, group in enumerate(groups, 1) for fee in frame_fees(group, n))
            events += batch * len(groups)
        per_event[str(batch)] = round(cents / TINYCENTS_PER_USD / events, 9)
        left_over[str(batch)] = len(day) - events
    naive, lean = (_naively(day, fields) for fields in (NAIVE_FIELDS, LEAN_FIELDS))
    conditions = {
        "events": len(day),
        "campaigns": len(stories),
        "for_one_user": sum(change.get("to") is not None for change in day),
        "left_over_events": left_over,
        "naive": f"compact JSON of {', '.join(NAIVE_FIELDS)}: {naive.bytes_per_event} bytes, as frames carry it",
        "naive_lean": f"of {', '.join(LEAN_FIELDS)} only, {lean.bytes_per_event} bytes: {lean.usd_per_event} USD",
        "frames": f"signed, padded to {PAD_TO} bytes; topics and manifests not counted, on neither side",
    }
    return Prices(per_event, naive.usd_per_event, conditions)


def frame_fees(group: Sequence[Change], producer_sequence: int) -> list[Fee]:
    """The fee of each chunk of the frame that holds these events."""
    sizes = [element_size(code_event(_event(change))) for change in group]
    length = frame_size(sum(sizes), count=len(sizes), producer_sequence=producer_sequence, signed=True, pad_to=PAD_TO)
    parts = split(bytes(length))
    return [submit_estimate(_submission(part, number, len(parts))) for number, part in enumerate(parts, 1)]


def _naively(day: Sequence[Change], fields: Sequence[str]) -> _Naive:
    """One message an event, with two signatures, the payer's and the submit key's."""
    kept = [{name: change[name] for name in fields if change.get(name) is not None} for change in day]
    messages = [json.dumps(each, separators=(",", ":"), ensure_ascii=False).encode() for each in kept]
    # A byte of the transaction costs from the 1351st on; whoever is that long isn't charged for it here.
    fees = [submit_fee(message_bytes=len(part), signatures=2) for message in messages for part in split(message)]
    cents = sum(fee.total for fee in fees)
    return _Naive(round(cents / TINYCENTS_PER_USD / len(day), 9), round(sum(map(len, messages)) / len(day), 1))


async def charged(run: World, door: aiohttp.ClientSession, story: Iterable[Change]) -> list[dict[str, int]]:
    """Send frames of one campaign, of each size two, and say what each was charged and what was estimated for it.

    Tinybar; the two must be equal. Raises AssertionError where they aren't.
    """
    mirror = Mirror(run.config.mirror.urls[0], MirrorSettings())
    try:
        rate = await mirror.exchange_rate()
    finally:
        await mirror.close()
    changes, found = iter(story), list[dict[str, int]]()
    for producer_sequence, batch in enumerate(BATCHES * 2, 1):
        group = [change for change, _ in zip(changes, range(batch), strict=False)]
        tinybar = await _booked(door, group)
        expected = _tinybar(frame_fees(group, producer_sequence), rate)
        assert tinybar == expected, f"a frame of {len(group)} was charged {tinybar} tinybar, not {expected}"
        found.append({"events": len(group), "tinybar": tinybar, "estimated": expected})
    return found


async def _booked(door: aiohttp.ClientSession, group: Sequence[Change]) -> int:
    """Send the events in one request, and wait until each has its cost; tinybar of all."""
    async with door.post("/v1/events", json=list(group)) as answer:
        answer.raise_for_status()
        ids = (await answer.json())["ids"]
    costs: dict[str, dict[str, str]] = {}

    async def known() -> bool:
        for event_id in set(ids) - costs.keys():
            async with door.get(f"/v1/events/{event_id}") as answer:
                view = await answer.json()
            if view["status"] != "confirmed" or "cost" not in view:
                return False
            costs[event_id] = view["cost"]
        return True

    await until(known, "booking")
    return sum(int(cost["tinybar"]) for cost in costs.values())


def _tinybar(fees: Iterable[Fee], rate: ExchangeRate) -> int:
    return sum(rate.tinybar(fee.total) for fee in fees)


def _event(change: Change) -> Event:
    [read] = validate_changes(change, catalogue=catalogue_with(), limits=Limits())  # as the door reads it
    time_ms = read.time_ms or 0
    return Event(uuid7(time_ms, bytes(10)), read.event, time_ms, read.user_id, read.payload)


def _submission(part: bytes, number: int, total: int) -> Submission:
    chunk = None if total == 1 else ChunkInfo(_ID, number, total)
    return Submission(_ID, _TOPIC, part, chunk, 120, 200_000_000)
