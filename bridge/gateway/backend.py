"""The port through which the HTTP door has its work done, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.protocol.values import JSON


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign as a backend sees it. `topic_id` is None until the topic exists; `sequence` is the last relayed.

    `stopped` says which budget its changes wait for. `relay`: "sealed" where its frames are handed on unopened.
    """

    id: str
    owner_id: str | None
    status: str
    topic_id: str | None = None
    sequence: int | None = None
    stopped: str | None = None
    relay: str = "plain"

    def as_json(self) -> dict[str, JSON]:
        """The answer's body; `stopped` only while a budget is in the way."""
        body: dict[str, JSON] = {
            "id": self.id,
            "ownerId": self.owner_id,
            "status": self.status,
            "topicId": self.topic_id,
            "sequence": self.sequence,
            "relay": self.relay,
        }
        return body if self.stopped is None else body | {"stopped": self.stopped}


@dataclass(frozen=True, slots=True)
class EventView:
    """An accepted event: `status` is accepted, submitted, confirmed, or parked or dropped (then `reason` says why).

    `consensus_timestamp` as the mirror writes it, `sequence` of the message's last chunk. `cost` has the event's share
    of what its frame was charged, as decimal strings: tinybar, usd, and the rate between them, usdPerHbar.
    """

    id: str
    status: str
    channel: str
    accepted_at: str
    topic_id: str | None = None
    sequence: int | None = None
    index: int | None = None
    consensus_timestamp: str | None = None
    reason: str | None = None
    cost: Mapping[str, str] | None = None

    def as_json(self) -> dict[str, JSON]:
        """The answer's body; what isn't known yet is left out."""
        body: dict[str, JSON] = {
            "id": self.id,
            "status": self.status,
            "channel": self.channel,
            "acceptedAt": self.accepted_at,
            "topicId": self.topic_id,
            "sequence": self.sequence,
            "index": self.index,
            "consensusTimestamp": self.consensus_timestamp,
            "reason": self.reason,
            "cost": None if self.cost is None else dict(self.cost),
        }
        return {name: value for name, value in body.items() if value is not None}


class Backend(Protocol):
    """Each call may raise bridge.errors.Unavailable; then nothing is known to have been stored."""

    async def create_campaign(
        self, campaign_id: str, owner_id: str, /, *, sealed: bool | None, api_key: str
    ) -> CampaignView:
        """Once, however often it is asked for, on this API key's bill. `sealed` None: as configured.

        Raises CampaignRefused, ChangeRefused (an id that can't be one).
        """

    async def campaign(self, campaign_id: str, /) -> CampaignView | None:
        """None where it isn't known."""

    async def accept(
        self, raw_changes: Sequence[JSON], /, *, api_key: str, idempotency: tuple[str, bytes] | None
    ) -> list[str]:
        """All of them or none; when it returns they are on disk. The ids come back in the order of the changes.

        `idempotency` is the sender's key and the SHA-256 of the body. Raises ChangeRefused, CampaignRefused,
        IdempotencyConflict.
        """

    async def event(self, event_id: str, /) -> EventView | None:
        """None where it isn't known, or is no id."""
