"""Each mirror: does it answer, is it fresh, whose network is it, and what is our clock by it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge.doctor.findings import Finding, Status
from bridge.doctor.mirrors import clock, fresh, mirror, skew_s
from bridge.protocol.channels import channel_epoch
from bridge.relay import progress
from bridge.relay.tail import Progress
from bridge.storage import opened
from tests.bridge.doctor.ward import ground_of, of
from tests.footing import Clock
from tests.integration.world import World, world
from tests.topics.client import client_of
from topics.devnet.faults import Fault
from topics.devnet.settings import DevnetSettings
from topics.values import NANOS

T = 1_700_000_000
DAY_S = 86_400


async def look(made: World, *, off_s: float = 0) -> list[Finding]:
    async with ground_of(made.config, now_ns=lambda: time.time_ns() + round(off_s * NANOS)) as ground:
        return list(await mirror(ground, ground.mirrors[0]))


async def test_a_mirror_that_is_away_is_one_failed_line(made: World) -> None:
    made.devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
    [found] = await look(made)
    assert found.status is Status.FAILED
    assert made.devnet.mirror_url in found.name
    assert "mirror.urls" in found.hint


@pytest.mark.parametrize(("behind_s", "status"), [(3, Status.OK), (100, Status.FAILED)])
async def test_how_old_its_news_are(tmp_path: Path, behind_s: int, status: Status) -> None:
    late = Clock(-(behind_s + 10) * NANOS)
    settings = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, clock=late)
    async with world(tmp_path, settings) as made:
        assert of(await look(made), "mirror").status is Status.WARNING  # no block yet
        late.forward(10)
        found = of(await look(made), "mirror")
        assert found.status is status
        assert "behind the network" in found.found
        shifted = of(await look(made, off_s=1000), "mirror")  # a wrong clock of ours makes no mirror stale
        assert shifted.status is status


@pytest.mark.parametrize(
    ("off_s", "status", "way"),
    [
        (0, Status.OK, "agrees"),
        (10, Status.WARNING, "ahead"),
        (-10, Status.WARNING, "behind"),
        (DAY_S, Status.FAILED, "ahead"),
        (-DAY_S, Status.FAILED, "behind"),
    ],
)
async def test_our_clock_by_the_mirrors(made: World, off_s: float, status: Status, way: str) -> None:
    found = of(await look(made, off_s=off_s), "clock")
    assert (found.status, way in found.found) == (status, True)
    assert ("NTP" in found.hint) is (status is not Status.OK)


async def test_the_database_is_of_this_network_or_another(made: World) -> None:
    assert of(await look(made), "network").status is Status.OK  # no database yet
    async with client_of(made.devnet) as client, opened(made.config, alone=True) as storage:
        topic_id = await client.topic()
        await client.write(topic_id, b"first")
        with storage.database.engine.begin() as connection:
            progress.keep(connection, {topic_id: Progress(channel_epoch="another beginning")})
        found = of(await look(made), "network")
        first = await client.mirror.message(topic_id, 1)
        assert first is not None
        with storage.database.engine.begin() as connection:
            began = channel_epoch(topic_id, first.running_hash)
            progress.keep(connection, {topic_id: Progress(channel_epoch=began)})
        assert of(await look(made), "network").status is Status.OK
    assert found.status is Status.FAILED
    assert str(topic_id) in found.found
    assert "database.url" in found.hint


async def test_a_database_that_cannot_be_read_is_no_fault_of_the_mirror(made: World) -> None:
    (made.folder / "hcs-bridge.db").write_text("something else " * 100)
    found = await look(made)
    assert Status.FAILED not in {of(found, "mirror").status, of(found, "clock").status}
    assert of(found, "network").status is Status.FAILED
    assert "the database is unavailable" in of(found, "network").found
    assert of(found, "network").hint == "see the line about the database"


def test_only_what_is_certain_counts_against_our_clock() -> None:
    now = T * NANOS
    assert skew_s(now, now + NANOS, newest_ns=0, served_s=T) == 0
    assert skew_s(now + 5 * NANOS, now + 9 * NANOS, newest_ns=0, served_s=T) == 4
    assert skew_s(now - 9 * NANOS, now - 5 * NANOS, newest_ns=0, served_s=T) == -5
    # no time is told: consensus can't lie ahead of us, but may lie far behind
    assert skew_s(now, now, newest_ns=now + 7 * NANOS, served_s=None) == -7
    assert skew_s(now, now, newest_ns=now - 7 * NANOS, served_s=None) == 0
    assert "whether it is ahead" in clock("c", 0, known=False, warn_s=2, fail_s=9).found


def test_a_mirror_that_has_nothing_is_no_failure() -> None:
    assert fresh("m", 0, T * NANOS, max_lag_s=60).status is Status.WARNING
    assert fresh("m", T * NANOS, T * NANOS - 1, max_lag_s=60).status is Status.OK
