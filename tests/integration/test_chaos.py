"""Whatever was answered 202 is on the ledger once and in order, and nothing else is, across kills and every fault.

CHAOS_KILLS (300) is how often the long form kills, CHAOS_SEED what both draw from: the seed of a run is in its output.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from bridge.commands.token import mint
from tests.integration.chaos import NETWORK, SETTINGS, Chaos
from tests.integration.listeners import Heard, python_centrifuge
from tests.integration.opened_ledger import messages_of, messages_on_record, opened_topics
from tests.integration.world import SEES_ALL, World, until, world

WINDOW_S = 30
TOKEN_S = 86_400
LEFT = """
SELECT (SELECT count(*) FROM entries WHERE state != 'confirmed') + (SELECT count(*) FROM flights WHERE state = 'open')
"""


def seed() -> int:
    return int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))


def left(made: World) -> int:
    with closing(sqlite3.connect(made.folder / "hcs-bridge.db")) as connection:
        return int(connection.execute(LEFT).fetchone()[0])


async def check_ledger(made: World, chaos: Chaos) -> None:
    """The ledger against what was accepted, and against the database."""
    topics = await opened_topics(made)
    assert topics.keys() == {publisher.campaign for publisher in chaos.publishers}
    for publisher in chaos.publishers:
        topic = topics[publisher.campaign]
        assert (topic.skipped, topic.last_skip) == (0, None)
        assert topic.said == publisher.accepted
    on_ledger = messages_of(made)
    assert on_ledger.keys() == {topic.topic_id for topic in topics.values()}
    assert on_ledger == messages_on_record(made.folder / "hcs-bridge.db")
    with closing(sqlite3.connect(made.folder / "hcs-bridge.db")) as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (chaos.accepted,)


def check_heard(heard: Heard, chaos: Chaos, campaign: str) -> None:
    """A client that came back after each kill got every publication once, in order."""
    assert heard.lost == []
    publisher = next(each for each in chaos.publishers if each.campaign == campaign)
    confirmed = heard.confirmed[f"campaign:{campaign}"]
    offsets = [offset for offset, _ in confirmed]
    assert offsets == sorted(set(offsets))
    said = [(data["meta"]["id"], data["data"]["payload"]["message"]) for _, data in confirmed]
    assert said == [(id_, message) for id_, user, message in publisher.accepted if user is None]


async def survive(made: World, chaos: Chaos, *, drain_s: float) -> None:
    """The run, and everything that must hold behind it."""
    await made.start()
    await made.post("/v1/campaigns", {"id": "0", "ownerId": "77"})
    token = mint(made.config, "77", role=SEES_ALL, ttl_s=TOKEN_S, now_s=int(time.time()))
    try:
        async with python_centrifuge(made.gateway, token, ["campaign:0"]) as heard:
            await until(lambda: heard.subscribed["campaign:0"])
            await chaos.run()
            await until(lambda: left(made) == 0, deadline_s=drain_s)
            audible = [said for said in chaos.publishers[0].accepted if said[1] is None]
            await until(lambda: heard.count >= len(audible))
    finally:
        sys.stdout.write(chaos.told() + "\n")
    assert await made.stop() == 0
    check_heard(heard, chaos, "0")
    await check_ledger(made, chaos)
    assert "Traceback" not in made.log


async def test_three_kills(tmp_path: Path) -> None:
    async with world(tmp_path, NETWORK, tokens__max_lifetime_s=TOKEN_S, **SETTINGS) as made:
        chaos = Chaos(made, seed(), kills=3, campaigns=3, pause_s=0.2)
        await survive(made, chaos, drain_s=60)
        assert chaos.found["an open flight"]


@pytest.mark.long
async def test_hundreds_of_kills(tmp_path: Path) -> None:
    """Windows are so short here that ids run out of them, and must be proven never to have run."""
    limits = SETTINGS | {"ledger__valid_duration_s": WINDOW_S}
    async with world(tmp_path, NETWORK, tokens__max_lifetime_s=TOKEN_S, **limits) as made:
        kills = int(os.environ.get("CHAOS_KILLS") or 300)
        chaos = Chaos(made, seed(), kills=kills, campaigns=12, pause_s=0.25, blackout_s=WINDOW_S + 2)
        await survive(made, chaos, drain_s=300)
        assert chaos.found["an open flight"] > kills // 4
