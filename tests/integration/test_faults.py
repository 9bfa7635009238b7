"""What breaks around the daemon: it says so in a line, who is there goes on, and it recovers by itself."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.commands.exits import UNREACHABLE, USAGE
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.test_full_disk import QUICK, confirmed, send
from tests.integration.world import COMMAND, World, until, world

AGAIN_S = 2.5  # the loop tries to accept each second
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
NO_MOUNTS = subprocess.run(["unshare", "--mount", "true"], check=False).returncode if shutil.which("unshare") else 1
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


@contextmanager
def no_descriptors(made: World) -> Iterator[None]:
    """The daemon can open nothing more inside the block."""
    assert made.daemon is not None
    pid = made.daemon.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    lowest_free = next(number for number in count() if not Path(f"/proc/{pid}/fd/{number}").is_symlink())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def cpu_s(made: World) -> float:
    """What the daemon has used."""
    assert made.daemon is not None
    fields = Path(f"/proc/{made.daemon.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


async def readyz(made: World, session: aiohttp.ClientSession) -> tuple[int, Any, Mapping[str, str]]:
    async with session.get(f"{made.http}/readyz") as answer:
        return answer.status, await answer.json(), answer.headers


async def connected(made: World, user: str) -> None:
    """Come in, ask something, and go."""
    async with WireClient(made.gateway) as client:
        assert "connect" in await client.ask(connect={"token": made.token(user)})


async def test_without_descriptors_who_is_there_goes_on_and_who_comes_waits(tmp_path: Path) -> None:
    async with world(tmp_path) as made, aiohttp.ClientSession() as session:
        await made.start()
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("77")})
            assert "subscribe" in await client.ask(subscribe={"channel": "user:77"})
            assert (await readyz(made, session))[1]["degraded"] == []
            with no_descriptors(made):
                newcomer = asyncio.create_task(connected(made, "88"))
                await until(lambda: "no file descriptors left" in made.log)
                before_s = cpu_s(made)
                await asyncio.sleep(AGAIN_S)
                assert cpu_s(made) - before_s < AGAIN_S / 8
                assert "presence" in await client.ask(presence={"channel": "user:77"})
                assert (await readyz(made, session))[1]["degraded"] == ["descriptors"]
                assert not newcomer.done()
            await newcomer
            assert (await readyz(made, session))[1]["degraded"] == []
        assert await made.stop() == 0
        assert made.log.count("no file descriptors left") == 1
        assert "Traceback" not in made.log


async def test_a_locked_database_refuses_loses_nothing_and_recovers_by_itself(tmp_path: Path) -> None:
    """And a second daemon on it goes, with the first one untouched."""
    async with world(tmp_path, **QUICK, database__busy_timeout_s=0.3) as made, aiohttp.ClientSession() as session:
        await made.start()
        code, _, said = await made.command("serve", "--config", tmp_path / "config.toml")
        assert (code, "Traceback" in said) == (USAGE, False)
        assert f"another process holds the database ({tmp_path}/hcs-bridge.db.lock)" in said
        assert "hint: stop the other hcs-bridge" in said
        status, answer, _ = await send(made, 0)
        assert status == 202
        ids = [answer["ids"][0]]
        with closing(sqlite3.connect(tmp_path / "hcs-bridge.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            refused = await asyncio.gather(*(send(made, number) for number in range(1, 9)))
            assert {status for status, _, _ in refused} == {503}
            status, ready, headers = await readyz(made, session)
            assert (status, ready["error"]["message"]) == (
                503,
                "the database is unavailable: database is locked; try again",
            )
            assert int(headers["Retry-After"]) >= 1
        for number in range(1, 9):
            status, answer, _ = await send(made, number)
            assert status == 202, answer
            ids += answer["ids"]
        for id_ in ids:
            await confirmed(made, id_)
        assert await made.stop() == 0
        assert "Traceback" not in made.log


@pytest.mark.skipif(NO_MOUNTS != 0, reason="takes the right to mount")
async def test_a_read_only_disk_is_said_at_the_start(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        serve = str(COMMAND), "serve", "--config", str(tmp_path / "config.toml")
        process = await asyncio.create_subprocess_exec(
            *("unshare", "--mount", "sh", "-c", READ_ONLY, str(tmp_path), *serve),
            env=made.environ,
            stderr=asyncio.subprocess.PIPE,
        )
        made.commands.append(process)
        _, said = await process.communicate()
        assert process.returncode == UNREACHABLE
        assert f"the database is unavailable: {tmp_path}/hcs-bridge.db.lock: Read-only file system" in said.decode()
        assert "mounted for writing" in said.decode()
        assert "Traceback" not in said.decode()
