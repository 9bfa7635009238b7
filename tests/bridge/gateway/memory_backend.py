"""A small, true implementation of the HTTP door's backend in memory."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import CampaignRefused, ChangeRefused, IdempotencyConflict, Problem, Unavailable
from bridge.gateway.backend import CampaignView, EventView
from bridge.protocol.values import JSON


class MemoryBackend:
    """Takes changes that are objects with an `event`; anything else it refuses by its index."""

    def __init__(self) -> None:
        self.campaigns: dict[str, CampaignView] = {}
        self.events: dict[str, tuple[str, JSON]] = {}
        self.seen: dict[tuple[str, str], tuple[bytes, list[str]]] = {}
        self.down = False

    async def create_campaign(
        self, campaign_id: str, owner_id: str, *, sealed: bool | None, api_key: str
    ) -> CampaignView:
        relay = "sealed" if sealed else "plain"
        known = self.campaigns.setdefault(campaign_id, CampaignView(campaign_id, owner_id, "creating", relay=relay))
        if known.owner_id != owner_id:
            raise CampaignRefused(campaign_id, "is registered with another owner", status=409)
        return known

    async def campaign(self, campaign_id: str) -> CampaignView | None:
        return self.campaigns.get(campaign_id)

    async def accept(
        self, raw_changes: Sequence[JSON], *, api_key: str, idempotency: tuple[str, bytes] | None
    ) -> list[str]:
        if self.down:
            raise Unavailable("database", "it is away", retry_after_s=2.5)
        if idempotency is not None and (earlier := self.seen.get((api_key, idempotency[0]))):
            if earlier[0] != idempotency[1]:
                raise IdempotencyConflict(idempotency[0])
            return earlier[1]
        problems = [
            Problem(index, "event", "null", "must be a known event")
            for index, change in enumerate(raw_changes)
            if not isinstance(change, dict) or "event" not in change
        ]
        if problems:
            raise ChangeRefused(problems)
        ids = [f"id-{len(self.events) + number}" for number in range(len(raw_changes))]
        self.events |= {event_id: (api_key, change) for event_id, change in zip(ids, raw_changes, strict=True)}
        if idempotency is not None:
            self.seen[api_key, idempotency[0]] = (idempotency[1], ids)
        return ids

    async def event(self, event_id: str) -> EventView | None:
        if event_id not in self.events:
            return None
        return EventView(event_id, "accepted", "campaign:1", "2026-01-01T00:00:00.000Z")
