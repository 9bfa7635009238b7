"""What a benchmark measures: a devnet without delays and a daemon, each a process of its own, on free ports."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bridge.config import Config, load
from bridge.demo.setting import HOST, devnet_values, environment, free_port
from topics.values import AccountId

COMMAND = Path(sys.executable).with_name("hcs-bridge")
DEADLINE_S = 300.0
SEES_ALL = "auditor"
# What differs from the shipped configuration, addresses and keys aside: neither side of the devnet need be spared.
SETTINGS: dict[str, Any] = {
    "ledger.receipt_poll_s": 0.02,
    "mirror.poll_interval_s": 0.1,
    "mirror.max_requests_per_s": 1000,
}


@dataclass(frozen=True, slots=True)
class World:
    """Where the doors are and who opens them; the daemon's process id."""

    config: Config
    daemon: int

    @property
    def http(self) -> str:
        """The HTTP door."""
        return f"http://{HOST}:{self.config.http.port}"

    @property
    def gateway(self) -> str:
        """The WebSocket door."""
        return f"ws://{HOST}:{self.config.gateway.port}/connection/websocket"

    def daemon_cpu_s(self) -> float:
        """User and system seconds that the daemon has used (proc(5), stat, fields 14 and 15)."""
        after_name = Path(f"/proc/{self.daemon}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def world(*, max_channels: int) -> AsyncIterator[World]:
    """Everything is up inside the block, and nothing is left behind it."""
    with TemporaryDirectory(prefix="hcs-bridge-benchmark-") as name:
        folder, ports = Path(name), [free_port(0) for _ in range(5)]
        listening = ("--port", "--second-port", "--mirror-port")
        network = [str(part) for pair in zip(listening, ports, strict=False) for part in pair]
        delays = ("--consensus-ms", "0", "--mirror-ms", "0")
        environ = _environment(folder, ports, max_channels)
        (folder / "config.toml").touch()
        log = folder / "daemon.log"
        async with _process("devnet", *network, *delays, "--dir", folder, environ={}, log=folder / "devnet.log"):
            await until((folder / "operator.key").exists, "starting the devnet")
            async with _process("serve", "--config", folder / "config.toml", environ=environ, log=log) as daemon:
                await until(lambda: '"ready"' in log.read_text(), "starting the daemon")
                yield World(load(None, environ), daemon)


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait for what should become true."""
    end = time.monotonic() + DEADLINE_S
    while not (found if isinstance(found := condition(), bool) else await found):
        if time.monotonic() > end:
            raise TimeoutError(f"{what} took longer than {DEADLINE_S:.0f} s")
        await asyncio.sleep(0.01)


@asynccontextmanager
async def _process(*arguments: str | Path, environ: dict[str, str], log: Path) -> AsyncIterator[int]:
    """Run a verb of hcs-bridge beside the block; its process id."""
    with log.open("wb") as out:
        running = await asyncio.create_subprocess_exec(
            COMMAND, *arguments, env=os.environ | environ, stdout=out, stderr=out
        )
    try:
        yield running.pid
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()


def _environment(folder: Path, ports: Sequence[int], max_channels: int) -> dict[str, str]:
    """The daemon's configuration as variables."""
    nodes = {AccountId(0, 0, 3 + number): f"{HOST}:{port}" for number, port in enumerate(ports[:2])}
    values = devnet_values(
        folder,
        nodes=nodes,
        mirror_url=f"http://{HOST}:{ports[2]}",
        operator=Config().operator.account,
        ports=(ports[3], ports[4]),
    )
    own = {
        "gateway.max_channels_per_connection": max_channels,
        "tokens.roles_see_all": [SEES_ALL],
        "log.format": "json",
    }
    return environment(values | SETTINGS | own)
