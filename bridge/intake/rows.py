"""What applications hand over, and what a row of `hcs_bridge.outbox` says, as the HTTP door takes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias
from uuid import UUID

from bridge.errors import Problem
from bridge.protocol.values import JSON

PlaceId: TypeAlias = int | str
"""Of a row in its table, or of an entry in its stream."""


class Row(NamedTuple):
    """A row that is committed and not refused. `made_at` is RFC 3339 text.

    `payload` is JSON text: numbers that Python would round are the door's to refuse. `payload_chars` is its length;
    what is longer than anything that passes isn't fetched, and None.
    """

    id: int
    event_id: UUID
    made_at: str | None
    event: str
    campaign: str | None
    owner: str | None
    to_user: str | None
    payload: str | None
    payload_chars: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A change that is handed over, perhaps not for the first time: under the same event id (16 bytes) then.

    `change` is what `POST /v1/events` takes; `owner` whose its campaign is, where that is said. A `fault` is why it
    can't be taken, whatever it says.
    """

    event_id: bytes
    change: dict[str, JSON]
    owner: str | None = None
    fault: Problem | None = None


class Fate(StrEnum):
    """What became of an offer."""

    TAKEN = "taken"
    SEEN = "seen"  # it was taken before
    REFUSED = "refused"


class Outcome(NamedTuple):
    """The fate of an offer, and the reason of one that is refused."""

    fate: Fate
    reason: str = ""


def offer_of(row: Row) -> Offer:
    """Column by column; what is wrong with one is the door's to say."""
    change: dict[str, JSON] = {"event": row.event, "payload": row.payload}
    if row.campaign is not None:
        change["campaignId"] = row.campaign
    if row.to_user is not None:
        change["to"] = f"user:{row.to_user}"
    if row.made_at is not None:
        change["at"] = row.made_at
    return Offer(row.event_id.bytes, change, row.owner, _fault(row))


def _fault(row: Row) -> Problem | None:
    if row.event_id.version != 7:
        return Problem(0, "event_id", "string", "must be a UUIDv7, as hcs_bridge.new_id() makes one")
    if row.payload is None and row.payload_chars is not None:
        rule = f"is {row.payload_chars} characters long: more than any that passes (events.max_payload_bytes)"
        return Problem(0, "payload", "string", rule)
    return None
