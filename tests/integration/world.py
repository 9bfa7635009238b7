"""The whole thing as a user runs it: a devnet, and the daemon as a process of its own, on free ports."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp

from bridge.commands.token import mint
from bridge.config import Config, load
from bridge.demo.keys import make_demo_keys
from bridge.demo.setting import devnet_values, environment, free_port
from topics.devnet.devnet import Devnet
from topics.devnet.serve import write_operator_key
from topics.devnet.settings import DevnetSettings

COMMAND = Path(sys.executable).with_name("hcs-bridge")
START_S = 30.0
TOKEN_S = 600
SEES_ALL = "auditor"
WORKER_PORTS = 2_125
_DRAWN: set[int] = set()  # in this run


async def until(condition: Callable[[], object], *, deadline_s: float = 60.0) -> None:
    """Wait for what should become true."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        await asyncio.sleep(0.01)


@dataclass
class World:
    """A folder with keys and state, a configuration, and the daemon that runs on it, or doesn't just now."""

    folder: Path
    config: Config
    environ: Mapping[str, str]
    devnet: Devnet
    daemon: asyncio.subprocess.Process | None = None
    commands: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def http(self) -> str:
        """The HTTP door."""
        return f"http://127.0.0.1:{self.config.http.port}"

    @property
    def gateway(self) -> str:
        """The WebSocket door."""
        return f"ws://127.0.0.1:{self.config.gateway.port}/connection/websocket"

    @property
    def log(self) -> str:
        """What the daemon has said, over all its lives."""
        return (self.folder / "daemon.log").read_text()

    def token(self, user: str, *, campaigns: list[str] | None = None, role: str | None = None) -> str:
        """A client's token."""
        return mint(self.config, user, campaigns=campaigns or [], role=role, ttl_s=TOKEN_S, now_s=int(time.time()))

    async def start(self, *, ready: bool = True) -> None:
        """Start the daemon, and wait until it listens."""
        before = len(self.log) if (self.folder / "daemon.log").exists() else 0
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemon = await asyncio.create_subprocess_exec(
                COMMAND, "serve", "--config", self.folder / "config.toml", env=self.environ, stderr=log, stdout=log
            )
        if ready:
            daemon = self.daemon
            await until(lambda: '"ready"' in self.log[before:] or daemon.returncode is not None, deadline_s=START_S)
            assert daemon.returncode is None, self.log[before:]

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        assert self.daemon is not None
        self.daemon.send_signal(number)
        code = await asyncio.wait_for(self.daemon.wait(), START_S)
        self.daemon = None
        return code

    async def command(self, *arguments: str | Path, text: str | None = None) -> tuple[int, str, str]:
        """Run a verb to its end: exit code, stdout, stderr."""
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            *arguments,
            env=self.environ,
            cwd=self.folder,
            stdin=asyncio.subprocess.PIPE if text is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.commands.append(process)
        out, err = await process.communicate(None if text is None else text.encode())
        return process.returncode or 0, out.decode(), err.decode()

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """POST JSON (or bytes as they are) with the backend's API key."""
        data = BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.http + path, data=data, headers=self._authorized(headers)) as answer,
        ):
            return answer.status, await answer.json()

    async def get(self, path: str) -> tuple[int, Any]:
        """GET with the backend's API key."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.http + path, headers=self._authorized({})) as answer,
        ):
            return answer.status, await answer.json()

    def _authorized(self, headers: dict[str, str]) -> dict[str, str]:
        key = (self.folder / "api.key").read_text().splitlines()[1]
        return {"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): value for name, value in headers.items()}

    async def close(self) -> None:
        """Leave nothing running."""
        for process in (self.daemon, *self.commands):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()


@asynccontextmanager
async def world(folder: Path, settings: DevnetSettings | None = None, **overrides: Any) -> AsyncIterator[World]:
    """A world without a daemon yet. `overrides` are configuration keys, with `__` between section and name."""
    async with Devnet(settings or DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)) as devnet:
        make_demo_keys(folder)
        write_operator_key(folder, devnet.operator_key)
        environ = _environ(folder, devnet, overrides)
        (folder / "config.toml").write_text("")
        made = World(folder, load(None, environ), os.environ | environ, devnet)
        try:
            yield made
        finally:
            await made.close()


def quiet_port() -> int:
    """A free port which nobody else takes meanwhile, also while its daemon is being restarted.

    Connections begin at 32768, and each worker of the test run draws from ports of its own.
    """
    first = 15_000 + WORKER_PORTS * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8)
    while (port := free_port(wanted := first + secrets.randbelow(WORKER_PORTS))) != wanted or port in _DRAWN:
        pass
    _DRAWN.add(port)
    return port


def _environ(folder: Path, devnet: Devnet, overrides: Mapping[str, Any]) -> dict[str, str]:
    ports = quiet_port(), quiet_port()
    values = devnet_values(
        folder,
        nodes=devnet.nodes,
        mirror_url=devnet.mirror_url,
        operator=devnet.operator_id,
        ports=ports,
        mirror_grpc_address=devnet.mirror_grpc_address,
    )
    quick = {
        "ledger.receipt_poll_s": 0.02,
        "ledger.backoff_initial_s": 0.05,
        "mirror.poll_interval_s": 0.1,
        "mirror.max_requests_per_s": 1000,
        "tokens.roles_see_all": [SEES_ALL],
        "log.format": "json",
    }
    return environment(values | quick | {name.replace("__", "."): value for name, value in overrides.items()})
