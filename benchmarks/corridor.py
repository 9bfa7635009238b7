"""Measures both corridors whole: a generated day goes over HTTP, ledger and mirror to one subscribed client.

Devnet (without delays) and daemon are processes of their own; publisher and client share this one. Topics are made
before the clock starts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, cycle, islice
from typing import Any

import aiohttp
import websockets

from benchmarks._world import SEES_ALL, SETTINGS, World, until, world
from bridge.commands.door import api_key_for
from bridge.commands.token import mint
from bridge.demo.account import CONFIRMED, PROVISIONAL, percentiles
from bridge.demo.day import Change, sample_campaigns, sample_day
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings
from topics.values import TopicId, parse_timestamp

BATCH = 100
TOKEN_S = 900


@dataclass
class Heard:
    """When the client got what: wall-clock nanoseconds by event id."""

    subscribed: int = 0
    confirmed: int = 0
    provisional_ns: dict[str, int] = field(default_factory=dict)
    confirmed_ns: dict[str, int] = field(default_factory=dict)
    consensus_ns: dict[str, int] = field(default_factory=dict)

    def take(self, message: dict[str, Any]) -> None:
        """A reply or a push."""
        now_ns = time.time_ns()
        if "error" in message:
            raise RuntimeError(f"the gateway refused a command: {message['error']}")
        self.subscribed += "subscribe" in message
        if "pub" not in message.get("push", {}):
            return
        meta = message["push"]["pub"]["data"]["meta"]
        if meta["phase"] == PROVISIONAL:
            self.provisional_ns[meta["id"]] = now_ns
        elif meta["phase"] == CONFIRMED:
            self.confirmed += 1
            self.confirmed_ns[meta["id"]] = now_ns
            self.consensus_ns[meta["id"]] = parse_timestamp(meta["consensusTimestamp"])


def day(events: int, campaigns: int) -> list[Change]:
    """The sample day's campaign events, all campaigns awake at once, begun again as often as it takes."""
    stories: dict[str, list[Change]] = {}
    for change in sample_day(campaigns, start=datetime.now(UTC)):
        if "to" not in change:
            stories.setdefault(change["campaignId"], []).append(change)
    return list(islice(chain.from_iterable(zip(*map(cycle, stories.values()), strict=False)), events))


async def listen(run: World, channels: Sequence[str], heard: Heard) -> None:
    """One client, subscribed to all, until cancelled."""
    token = mint(run.config, "benchmark", role=SEES_ALL, ttl_s=TOKEN_S, now_s=int(time.time()))
    commands = [{"connect": {"token": token}}, *({"subscribe": {"channel": channel}} for channel in channels)]
    async with websockets.connect(run.gateway) as socket:
        await socket.send("\n".join(json.dumps({"id": n} | command) for n, command in enumerate(commands, 1)))
        async for frame in socket:
            for line in str(frame).split("\n"):
                if line == "{}":
                    await socket.send(line)
                else:
                    heard.take(json.loads(line))


async def register(door: aiohttp.ClientSession, campaign: str, owner: str) -> tuple[TopicId, int]:
    """Give the campaign its topic; how many messages its manifest took comes with it."""
    async with door.post("/v1/campaigns", json={"id": campaign, "ownerId": owner}) as answer:
        answer.raise_for_status()
    view: dict[str, Any] = {}

    async def ready() -> bool:
        async with door.get(f"/v1/campaigns/{campaign}") as answer:
            view.update(await answer.json())
        return view["status"] == "ready" and int(view["sequence"]) > 0

    await until(ready, "making topics")
    return TopicId.parse(view["topicId"]), view["sequence"]


async def publish(door: aiohttp.ClientSession, changes: Sequence[Change]) -> dict[str, int]:
    """Batch after batch; when each event's batch was sent, by the id that it was given."""
    posted_ns: dict[str, int] = {}
    for begin in range(0, len(changes), BATCH):
        sent_ns = time.time_ns()
        async with door.post("/v1/events", json=changes[begin : begin + BATCH]) as answer:
            answer.raise_for_status()
            posted_ns |= dict.fromkeys((await answer.json())["ids"], sent_ns)
    return posted_ns


async def measure(run: World, events: int, campaigns: int) -> dict[str, Any]:
    """Play the day once."""
    heard, made = Heard(), sample_campaigns(campaigns)
    headers = {"Authorization": f"Bearer {api_key_for(run.config, 'events:write')}"}
    async with aiohttp.ClientSession(run.http, headers=headers) as door:
        topics = await asyncio.gather(*(register(door, campaign.id, campaign.owner_id) for campaign in made))
        client = asyncio.create_task(listen(run, [f"campaign:{campaign.id}" for campaign in made], heard))
        await until(lambda: client.done() or heard.subscribed == campaigns, "subscribing")
        changes = day(events, campaigns)
        cpu_before_s, started = run.daemon_cpu_s(), time.perf_counter()
        posted_ns = await publish(door, changes)
        accepted_s = time.perf_counter() - started
        await until(lambda: client.done() or len(heard.confirmed_ns) == events, "confirming")
        confirmed_s, cpu_s = time.perf_counter() - started, run.daemon_cpu_s() - cpu_before_s
        client.cancel()
        with suppress(asyncio.CancelledError):
            await client  # what ended it earlier is raised here
    sizes = await on_ledger(run, topics)
    return {
        "accepted": len(posted_ns),
        "confirmed": len(posted_ns.keys() & heard.confirmed_ns.keys()),
        "duplicates": heard.confirmed - len(heard.confirmed_ns),
        "accepted_per_s": round(events / accepted_s, 1),
        "confirmed_per_s": round(events / confirmed_s, 1),
        "daemon_cpu_us_per_event": round(cpu_s / events * 1e6),
        "transactions": len(sizes),
        "bytes_on_ledger_per_event": round(sum(sizes) / events, 1),
        "provisional_ms": latencies(posted_ns, heard.provisional_ns),
        "confirmed_ms": latencies(heard.consensus_ns, heard.confirmed_ns),
        "conditions": conditions(events, campaigns),
    }


async def on_ledger(run: World, topics: Sequence[tuple[TopicId, int]]) -> list[int]:
    """The length of each message behind the manifests."""
    mirror, sizes = Mirror(run.config.mirror.urls[0], MirrorSettings(max_requests_per_s=1000)), list[int]()
    try:
        for topic_id, manifest in topics:
            read = manifest
            while page := await mirror.messages(topic_id, after=read):
                sizes += [len(message.message) for message in page]
                read = page[-1].sequence
    finally:
        await mirror.close()
    return sizes


def latencies(began_ns: Mapping[str, int], ended_ns: Mapping[str, int]) -> dict[str, float | None]:
    """Percentiles in milliseconds, of the ids that have both times."""
    return percentiles(max(0, ended_ns[id_] - began_ns[id_]) / 1e6 for id_ in began_ns.keys() & ended_ns.keys())


def conditions(events: int, campaigns: int) -> dict[str, Any]:
    """What the figures hold for."""
    load = {"events": events, "campaigns": campaigns, "batch": BATCH, "publishers": 1, "clients": 1}
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    measured = {"devnet_delays_ms": 0, "load_1min": round(os.getloadavg()[0], 2), "settings": SETTINGS}
    return load | machine | measured


async def run_once(events: int, campaigns: int) -> dict[str, Any]:
    """Start everything, measure, stop everything."""
    async with world(max_channels=max(128, campaigns)) as run:
        return await measure(run, events, campaigns)


def main() -> None:
    """`python -m benchmarks.corridor --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corridor")
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--campaigns", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    found = asyncio.run(run_once(options.events, options.campaigns))
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
