"""A backend that doesn't give up: each request is repeated, under its Idempotency-Key, until it is answered 202."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from random import Random
from typing import Any

import aiohttp

from tests.integration.opened_ledger import Said
from tests.integration.world import World

USER = "77"
PATIENCE_S = 5.0
REPEATED = 0.05  # of the accepted requests are sent again all the same
LARGE = 0.06  # of the events need chunks


@dataclass
class Publisher:
    """A backend of one campaign: request after request, each repeated until it is answered 202."""

    campaign: str
    made: World
    random: Random
    pause_s: float
    accepted: list[Said] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until told to stop; what was begun is brought to its 202."""
        headers = {"Authorization": f"Bearer {(self.made.folder / 'api.key').read_text().splitlines()[1]}"}
        number = 0
        async with aiohttp.ClientSession(self.made.http, headers=headers) as door:
            while not stop.is_set():
                changes = [self._change(number + place) for place in range(self.random.choice((1, 1, 2, 5)))]
                number += len(changes)
                body = json.dumps(changes[0] if len(changes) == 1 else changes).encode()
                ids = await self._until_accepted(door, body, key=f"{self.campaign}-{number}")
                if self.random.random() < REPEATED:
                    assert await self._until_accepted(door, body, key=f"{self.campaign}-{number}") == ids
                for id_, change in zip(ids, changes, strict=True):
                    user = USER if "to" in change else None
                    self.accepted.append((id_, user, change["payload"]["message"]))
                await asyncio.sleep(self.random.expovariate(1 / self.pause_s))

    def _change(self, number: int) -> dict[str, Any]:
        length = self.random.randrange(1000, 4500) if self.random.random() < LARGE else 10
        payload = {"message": f"{self.campaign}:{number}:" + "x" * length}
        if self.random.random() < 0.1:
            balance = {"balanceType": "HBAR", "newBalance": str(number)}
            return {"event": "BALANCE_UPDATE", "to": f"user:{USER}", "campaignId": self.campaign} | {
                "payload": balance | payload
            }
        return {"event": "CAMPAIGN_CLOSED", "campaignId": self.campaign, "payload": payload}

    async def _until_accepted(self, door: aiohttp.ClientSession, body: bytes, *, key: str) -> list[str]:
        """The same request under the same key until its ids come back, also by a client that hangs up too early."""
        while True:
            patience_s = self.random.choice((0.01, PATIENCE_S, PATIENCE_S, PATIENCE_S))
            try:
                async with (
                    asyncio.timeout(patience_s),
                    door.post("/v1/events", data=BytesIO(body), headers={"Idempotency-Key": key}) as answer,
                ):
                    told = await answer.json()
                    if answer.status == 202:
                        return list(told["ids"])
                    assert answer.status == 503, told
                    self.failures["503"] += 1
            except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
                self.failures[type(error).__name__] += 1
            await asyncio.sleep(0.03)
