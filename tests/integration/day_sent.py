"""A day of campaigns, published in a loop by a backend that doesn't give up, and what came of it counted."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from bridge.demo.day import sample_day
from tests.integration.opened_ledger import opened_topics
from tests.integration.subscriber import Subscriber
from tests.integration.world import World
from tests.recorded import DATA

AT_ONCE = 10  # events a request


def day() -> list[dict[str, Any]]:
    """The recorded day, where it is beside the checkout; else the demo's."""
    recording = DATA / "campaign-day.jsonl"
    if recording.exists():
        return [json.loads(line) for line in recording.read_text().splitlines()]
    return [{"to": None, **change} for change in sample_day(12, start=datetime.now(UTC))]


@dataclass
class DaySent:
    """What was accepted: ids by channel, in their order. Each request goes to the door of a world that `door` names."""

    door: Callable[[], World]
    per_s: float
    patience_s: float = 60.0
    lines: list[dict[str, Any]] = field(default_factory=day)
    accepted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def campaigns(self) -> list[str]:
        """Those that the day is about."""
        return sorted({line["campaignId"] for line in self.lines if line.get("campaignId")})

    @property
    def count(self) -> int:
        """How many events were accepted."""
        return sum(map(len, self.accepted.values()))

    async def publish(self, stop: asyncio.Event) -> None:
        """The day, again and again; each request until it is answered 202."""
        loop, number = asyncio.get_running_loop(), 0
        began_s = loop.time()
        while not stop.is_set():
            some = [self.lines[(number + place) % len(self.lines)] for place in range(AT_ONCE)]
            body = [{name: value for name, value in line.items() if value is not None} for line in some]
            for line, id_ in zip(some, await self._until_accepted(body, f"day-{number}"), strict=True):
                self.accepted[line["to"] or f"campaign:{line['campaignId']}"].append(id_)
            number += AT_ONCE
            await asyncio.sleep(began_s + number / self.per_s - loop.time())

    async def _until_accepted(self, body: object, key: str) -> list[str]:
        while True:
            try:
                async with asyncio.timeout(self.patience_s):
                    status, answer = await self.door().post("/v1/events", body, Idempotency_Key=key)
            except (aiohttp.ClientError, OSError):  # a TimeoutError is an OSError
                status, answer = 503, {}
            if status == 202:
                return list(answer["ids"])
            assert status == 503, answer
            await asyncio.sleep(0.1)

    async def compared(self, made: World, clients: Sequence[Subscriber]) -> dict[str, int]:
        """What is on the ledger and what clients heard, against what was accepted: each in order, too."""
        found = defaultdict(list)
        for ref, topic in (await opened_topics(made)).items():
            for id_, user, _ in topic.said:
                found[f"campaign:{ref}" if user is None else f"user:{user}"].append(id_)
        pairs = [(ids, found[channel]) for channel, ids in self.accepted.items()]
        pairs += [(self.accepted[each.channel], each.heard) for each in clients]
        channels = [channel for channel in self.accepted if channel.startswith("campaign:")]
        disordered = [channel for channel in channels if found[channel] != self.accepted[channel]]
        disordered += [each.channel for each in clients if each.heard != self.accepted[each.channel]]
        return {
            "lost": sum(len(set(said) - set(heard)) for said, heard in pairs),
            "doubled": sum(len(heard) - len(set(heard)) for _, heard in pairs),
            "out_of_order": len(disordered),
        }


@contextmanager
def beside(*loops: Any) -> Iterator[None]:
    """All of them run beside the block."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


def heard_id(data: Mapping[str, Any]) -> str:
    """What a subscriber notes of a publication."""
    return str(data["meta"]["id"])
