"""Connections are cut again and again, the daemon is stopped and killed: everyone gets everything, in order, once."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiohttp
import pytest

from tests.integration.subscriber import Subscriber, subscribed
from tests.integration.world import SEES_ALL, World, until, world

AWAY_S = 2.0
CHANNEL = "campaign:1"


@dataclass(frozen=True, slots=True)
class Load:
    """How many subscribers, publications a second, for how long; and after how long of that the daemon is hit."""

    subscribers: int
    per_s: float
    seconds: float
    up_s: tuple[float, float]  # how long a connection is left alone
    stops_s: tuple[float, ...]
    kills_s: tuple[float, ...]


async def publish(made: World, load: Load) -> list[str]:
    """Event after event at its pace, each repeated until it is accepted; what was said, in order."""
    loop = asyncio.get_running_loop()
    began_s, said = loop.time(), list[str]()
    for number in range(round(load.per_s * load.seconds)):
        await asyncio.sleep(began_s + number / load.per_s - loop.time())
        change = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1", "message": str(number)}}
        while True:
            try:
                status, answer = await made.post("/v1/events", change, Idempotency_Key=f"drop-{number}")
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.1)
                continue
            assert status in {202, 503}, answer
            if status == 202:
                break
        said.append(str(number))
    return said


async def cut(subscriber: Subscriber, load: Load, random: Random) -> int:
    """Again and again, until cancelled."""
    while True:
        await asyncio.sleep(random.uniform(*load.up_s))
        subscriber.cut(AWAY_S)


async def hit(made: World, load: Load) -> None:
    """Stop the daemon for as long as a cut lasts, or kill it and start it again, when it is due."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for at_s, kill in sorted([(at_s, False) for at_s in load.stops_s] + [(at_s, True) for at_s in load.kills_s]):
        await asyncio.sleep(began_s + at_s - loop.time())
        if kill:
            await made.kill()
            await made.start()
        else:
            assert made.daemon is not None
            made.daemon.send_signal(signal.SIGSTOP)
            await asyncio.sleep(AWAY_S)
            made.daemon.send_signal(signal.SIGCONT)


async def drop(made: World, load: Load) -> None:
    """The run, and what must hold behind it."""
    random = Random(0)  # noqa: S311 # the same pauses each time
    await made.start()
    token = made.token("77", role=SEES_ALL)
    subscribers = [Subscriber(made.gateway, token, CHANNEL, random) for _ in range(load.subscribers)]
    with subscribed(subscribers):
        await until(lambda: all(each.live for each in subscribers))
        cutting = [asyncio.create_task(cut(each, load, random)) for each in subscribers]
        said, _ = await asyncio.gather(publish(made, load), hit(made, load))
        for task in cutting:
            task.cancel()
        await until(lambda: all(len(each.heard) >= len(said) for each in subscribers))
    recoveries = sum(each.recoveries for each in subscribers)
    sys.stdout.write(f"{len(said)} publications, {len(subscribers)} subscribers, {recoveries} recoveries\n")
    assert [each.lost for each in subscribers if each.lost] == []
    assert all(each.heard == said for each in subscribers)
    assert recoveries > len(subscribers) * (len(load.kills_s) + 1) / 2
    assert await made.stop() == 0
    assert "Traceback" not in made.log


async def test_cut_stopped_and_killed(tmp_path: Path) -> None:
    load = Load(100, per_s=20, seconds=6, up_s=(0.5, 2.5), stops_s=(0.5,), kills_s=(3.5,))
    async with world(tmp_path, gateway__drain_timeout_s=0.2) as made:
        await drop(made, load)


@pytest.mark.long
async def test_a_thousand_for_a_minute(tmp_path: Path) -> None:
    load = Load(1000, per_s=20, seconds=60, up_s=(2, 10), stops_s=(8, 28, 44), kills_s=(18, 36, 52))
    async with world(tmp_path, gateway__drain_timeout_s=1, gateway__max_connections_per_user=2000) as made:
        await drop(made, load)
