"""`hcs-bridge serve` tells its supervisor when it is ready, how it goes, and when it stops."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

from tests.integration.world import world

DEADLINE_S = 60


async def test_the_daemon_tells_systemd_over_its_socket(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(address))
        ear.settimeout(DEADLINE_S)

        async def hear(wanted: str) -> None:
            async with asyncio.timeout(DEADLINE_S):
                while wanted not in (await asyncio.to_thread(ear.recv, 4096)).decode().split("\n"):
                    pass

        async with world(tmp_path) as made:
            served = replace(made, environ={**made.environ, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "300000"})
            await served.start()
            await hear("READY=1")
            await hear("WATCHDOG=1")
            assert await served.stop() == 0
            await hear("STOPPING=1")
