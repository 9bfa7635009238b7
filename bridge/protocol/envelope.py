"""The publication's data as clients get it: the seed's WebSocketMessage and our `meta` (DESIGN §7)."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from bridge.protocol.channels import ACCOUNT
from bridge.protocol.values import JSON, Event
from topics.values import TopicId, format_timestamp

SEALED = "SEALED_FRAME"
"""Stands where an event's name would; no event of ours has it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where consensus put an event: the frame's last chunk, and the event's index in the frame."""

    topic_id: TopicId
    sequence: int
    index: int
    consensus_ns: int
    running_hash: bytes


def provisional(event: Event, *, data_type: str, campaign_id: str | None) -> bytes:
    """JSON of an event that was accepted and is on its way; goes out without an offset."""
    return _json(_message(event, data_type, campaign_id, {"phase": "provisional"}))


def confirmed(event: Event, *, data_type: str, campaign_id: str | None, place: Place) -> bytes:
    """JSON of an event with its consensus position."""
    return _json(_message(event, data_type, campaign_id, _confirmed(place) | {"index": place.index}))


def sealed(frame: bytes, *, campaign_id: str, place: Place, first: int) -> bytes:
    """JSON of a frame that is handed on unopened; `first` is the sequence number of its first chunk."""
    data: dict[str, JSON] = {
        "type": "CAMPAIGN",
        "payload": {"frame": base64.b64encode(frame).decode()},
        "timestamp": iso_time(place.consensus_ns // 1_000_000),
    }
    meta = _confirmed(place) | {"campaignId": campaign_id, "first": first}
    return _json({"event": SEALED, "data": data, "encrypted": True, "meta": meta})


def rejected(event: Event, *, data_type: str, campaign_id: str | None, reason: str) -> bytes:
    """JSON of an event that was parked: same id as its provisional, no offset, and why."""
    return _json(_message(event, data_type, campaign_id, {"phase": "rejected", "reason": reason}))


def iso_time(time_ms: int) -> str:
    """ISO 8601 with milliseconds and Z, as JavaScript's toISOString writes it."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _confirmed(place: Place) -> dict[str, JSON]:
    return {
        "phase": "confirmed",
        "topicId": str(place.topic_id),
        "sequence": place.sequence,
        "consensusTimestamp": format_timestamp(place.consensus_ns),
        "runningHash": base64.b64encode(place.running_hash).decode(),
    }


def _message(event: Event, data_type: str, campaign_id: str | None, phase: dict[str, JSON]) -> dict[str, JSON]:
    data: dict[str, JSON] = {"type": data_type, "payload": event.data, "timestamp": iso_time(event.time_ms)}
    if event.audience is not None:
        data["userId"] = event.audience
    meta: dict[str, JSON] = {"id": str(uuid.UUID(bytes=event.id)), **phase}
    if campaign_id is not None and campaign_id != ACCOUNT:
        meta["campaignId"] = campaign_id
    return {"event": event.type, "data": data, "encrypted": False, "meta": meta}


def _json(message: dict[str, JSON]) -> bytes:
    return msgspec.json.encode(message)
