"""A console's part behind the door that notes what it was asked, and knows every campaign but `unknown`."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.protocol.values import JSON


@dataclass
class MemoryConsole:
    """`asked`: each call's name and arguments, in order."""

    asked: list[JSON] = field(default_factory=list)

    async def campaigns(self, *, after: str, search: str, only_halted: bool, limit: int) -> JSON:
        self.asked.append(["campaigns", after, search, only_halted, limit])
        return {"campaigns": [], "next": None}

    async def timeline(self, campaign_id: str, *, before: int, limit: int) -> JSON:
        self.asked.append(["timeline", campaign_id, before, limit])
        return None if campaign_id == "unknown" else {"campaign": {}, "events": [], "next": None}

    async def outbox(self, state: str, *, campaign: str, after: tuple[str, int], limit: int) -> JSON:
        self.asked.append(["outbox", state, campaign, *after, limit])
        return {"entries": [], "next": None}

    async def costs(self) -> JSON:
        return {"days": []}

    async def status(self) -> dict[str, JSON]:
        return {"accepted": 5}
