"""The disk is full for a while: who sends is told, what was accepted stays, and it goes on by itself afterwards."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.integration.opened_ledger import Said, opened_topics
from tests.integration.world import World, until, world
from topics.devnet.faults import Fault

DEADLINE_S = 30.0
QUICK: dict[str, Any] = {"publish__retry_initial_s": 0.1, "publish__retry_max_s": 0.3}


@contextmanager
def full(made: World, *, files: str = "hcs-bridge.db*") -> Iterator[None]:
    """None of these files of the daemon grows any more inside the block, nor any other that is longer.

    The log is shorter than the database's.
    """
    assert made.daemon is not None
    pid, longest = made.daemon.pid, max(path.stat().st_size for path in made.folder.glob(files))
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (longest, before[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


async def send(made: World, number: int) -> tuple[int, Any, str]:
    """An event that is some pages long, under a key of its own: status, answer, and what it says."""
    message = f"{number}:" + "x" * 6000
    change = {"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": {"message": message}}
    async with asyncio.timeout(DEADLINE_S):
        status, answer = await made.post("/v1/events", change, Idempotency_Key=f"event-{number}")
    return status, answer, message


async def test_a_full_disk_refuses_loses_nothing_and_recovers_by_itself(tmp_path: Path) -> None:
    async with world(tmp_path, **QUICK) as made:
        await made.start()
        daemon = made.daemon
        accepted, refused = list[Said](), list[int]()
        for number in range(3):
            status, answer, message = await send(made, number)
            assert status == 202
            accepted.append((answer["ids"][0], None, message))
        with full(made):  # with a flight under way, whose outcome can't be written down
            for number in range(3, 13):
                status, answer, message = await send(made, number)
                if status == 202:  # the last free bytes of a file
                    accepted.append((answer["ids"][0], None, message))
                    continue
                refused.append(number)
                assert status == 503
                assert answer["error"]["code"] == "unavailable"
                assert answer["error"]["message"].startswith("the database is unavailable: disk I/O error")
            assert len(refused) > 5
            at_once = await asyncio.gather(*(send(made, number) for number in refused))
            assert {status for status, _, _ in at_once} == {503}
            assert (await made.get(f"/v1/events/{accepted[0][0]}"))[0] == 200  # reading goes on
            await until(lambda: "flight delayed" in made.log, deadline_s=DEADLINE_S)
            assert "the database refuses writes" in made.log
            assert "database" in (await made.get("/readyz"))[1]["degraded"]
        for number in refused:
            status, answer, message = await send(made, number)
            assert status == 202, answer
            accepted.append((answer["ids"][0], None, message))
        for id_, _, _ in accepted:
            await confirmed(made, id_)
        assert made.daemon is daemon
        assert daemon is not None
        assert daemon.returncode is None
        assert await made.stop() == 0
        topic = (await opened_topics(made))["1"]
        assert (topic.said, topic.skipped) == (accepted, 0)
        assert "Traceback" not in made.log


async def test_a_log_that_lies_on_the_full_disk_takes_nothing_along(tmp_path: Path) -> None:
    """Not a line can be written in between; afterwards it is told again, and a stop is a good end even before."""
    async with world(tmp_path, **QUICK, ledger__max_attempts=1) as made:
        await made.start()
        made.devnet.faults.inject(Fault.NODE_DOWN)
        _, answer, _ = await send(made, 0)
        await until(lambda: "flight delayed" in made.log, deadline_s=DEADLINE_S)
        with full(made, files="daemon.log"):
            before = len(made.log)
            made.devnet.faults.clear()
            await waits_for(made, "the database is unavailable")  # which it has tried to tell the log
            assert (await send(made, 1))[0] == 503
            assert len(made.log) == before
        await confirmed(made, answer["ids"][0])
        made.devnet.faults.inject(Fault.NODE_DOWN)
        await send(made, 2)
        await until(lambda: "flight delayed" in made.log[before:], deadline_s=DEADLINE_S)
        with full(made, files="daemon.log"):
            assert await made.stop() == 0


async def waits_for(made: World, reason: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while reason not in (await made.get("/v1/outbox"))[1]["campaigns"].get("1", ""):  # noqa: ASYNC110 # another process
            await asyncio.sleep(0.05)


async def confirmed(made: World, event_id: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while (await made.get(f"/v1/events/{event_id}"))[1]["status"] != "confirmed":  # noqa: ASYNC110 # another process
            await asyncio.sleep(0.05)
