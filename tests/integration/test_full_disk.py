"""The disk is full for a while: who sends is told, what was accepted stays, and it goes on by itself afterwards."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.opened_ledger import Said, opened_topics
from tests.integration.world import World, until, world

DEADLINE_S = 30.0
QUICK: dict[str, Any] = {"publish__retry_initial_s": 0.1, "publish__retry_max_s": 0.3}


@contextmanager
def full(made: World) -> Iterator[None]:
    """No file of the daemon grows any more inside the block, the log aside, which is shorter than the database's."""
    assert made.daemon is not None
    pid, longest = made.daemon.pid, max(path.stat().st_size for path in made.folder.glob("hcs-bridge.db*"))
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (longest, before[1]))
    try:
        yield
    finally:
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


async def confirmed(made: World, event_id: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while (await made.get(f"/v1/events/{event_id}"))[1]["status"] != "confirmed":  # noqa: ASYNC110 # another process
            await asyncio.sleep(0.05)
