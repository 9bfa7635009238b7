"""What a benchmark measures: a devnet and a daemon, each a process of its own, on free ports."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks._children import cpu_s, resident_kb
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
    "topics.creations_per_s": 1000,
    "gateway.max_connections_per_user": 20_000,
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
        """User and system seconds that the daemon has used."""
        return cpu_s(self.daemon)

    def daemon_kb(self) -> int:
        """Its resident memory."""
        return resident_kb(self.daemon)


@dataclass(frozen=True, slots=True)
class Ground:
    """Folder, ports and variables of the devnets and the daemons that live there one after the other."""

    folder: Path
    ports: Sequence[int]
    environ: Mapping[str, str]

    def config(self) -> Config:
        """What a daemon here runs on."""
        return load(None, self.environ)

    def as_shipped(self, settings: Mapping[str, Any]) -> Ground:
        """The same ground for daemons on the shipped configuration: addresses, keys and `settings` aside."""
        kept = {name: value for name, value in self.environ.items() if name not in environment(SETTINGS)}
        return replace(self, environ=kept | environment(settings))

    def beside(self, number: int, settings: Mapping[str, Any]) -> Ground:
        """The same ground for one more daemon while others run on it: with its number and doors of its own."""
        own = {"daemon.number": number, "http.port": free_port(0), "gateway.port": free_port(0)}
        return replace(self, environ={**self.environ, **environment(own | dict(settings))})

    @asynccontextmanager
    async def devnet(self, *options: str) -> AsyncIterator[None]:
        """The network in the state that the last one left. Without delays, unless `options` of the verb say so."""
        listening = ("--port", "--second-port", "--mirror-port", "--mirror-grpc-port")
        network = [str(part) for pair in zip(listening, self.ports, strict=False) for part in pair]
        delays = ("--consensus-ms", "0", "--mirror-ms", "0")
        log, key = self.folder / "devnet.log", self.folder / "operator.key"
        key.unlink(missing_ok=True)  # written once it listens
        arguments = ("devnet", *network, *delays, *options, "--dir", str(self.folder))
        async with _process(*arguments, environ={}, log=log) as running:
            await until(lambda: key.exists() or running.returncode is not None, "starting the devnet")
            if running.returncode is not None:
                raise RuntimeError(f"the devnet did not start: {log.read_text()[-2000:]}")
            yield

    @asynccontextmanager
    async def daemon(self, *, ending: signal.Signals = signal.SIGTERM) -> AsyncIterator[World]:
        """A daemon on the state that the last one left, ready inside the block, and sent `ending` behind it."""
        log = self.folder / f"daemon-{self.config().daemon.number}.log"
        arguments = ("serve", "--config", self.folder / "config.toml")
        async with _process(*arguments, environ=self.environ, log=log, ending=ending) as daemon:
            await until(lambda: '"ready"' in log.read_text() or daemon.returncode is not None, "starting the daemon")
            if daemon.returncode is not None:
                raise RuntimeError(f"the daemon did not start: {log.read_text()[-2000:]}")
            yield World(self.config(), daemon.pid)


@asynccontextmanager
async def ground(
    *, max_channels: int = 128, settings: Mapping[str, Any] | None = None, below: Path | None = None
) -> AsyncIterator[Ground]:
    """The devnet is up inside the block; nothing is left behind it. State lies in a new folder `below` (None: /tmp).

    `settings` are keys of the configuration that differ from the shipped ones.
    """
    own = {"gateway.max_channels_per_connection": max_channels} | dict(settings or {})
    with site(own, below=below) as found:
        async with found.devnet():
            yield found


def network_options(network: Mapping[str, int]) -> list[str]:
    """`consensus_ms`, `consensus_jitter_ms` and `mirror_ms`, in milliseconds, as options for `Ground.devnet`."""
    return [word for name, ms in network.items() for word in (f"--{name.replace('_', '-')}", str(ms))]


@contextmanager
def site(settings: Mapping[str, Any], *, below: Path | None = None) -> Iterator[Ground]:
    """A ground on which nothing runs yet."""
    with TemporaryDirectory(prefix="hcs-bridge-benchmark-", dir=below) as name:
        folder, ports = Path(name), [free_port(0) for _ in range(6)]
        (folder / "config.toml").touch()
        yield Ground(folder, ports, _environment(folder, ports, settings))


@asynccontextmanager
async def world(*, max_channels: int) -> AsyncIterator[World]:
    """Everything is up inside the block, and nothing is left behind it."""
    async with ground(max_channels=max_channels) as found, found.daemon() as run:
        yield run


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait for what should become true."""
    end = time.monotonic() + DEADLINE_S
    while not (found if isinstance(found := condition(), bool) else await found):
        if time.monotonic() > end:
            raise TimeoutError(f"{what} took longer than {DEADLINE_S:.0f} s")
        await asyncio.sleep(0.01)


@asynccontextmanager
async def _process(
    *arguments: str | Path, environ: Mapping[str, str], log: Path, ending: signal.Signals = signal.SIGTERM
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a verb of hcs-bridge beside the block."""
    with log.open("wb") as out:
        running = await asyncio.create_subprocess_exec(
            COMMAND, *arguments, env={**os.environ, **environ}, stdout=out, stderr=out
        )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.send_signal(ending)
        await running.wait()


def _environment(folder: Path, ports: Sequence[int], own: Mapping[str, Any]) -> dict[str, str]:
    """The daemon's configuration as variables."""
    nodes = {AccountId(0, 0, 3 + number): f"{HOST}:{port}" for number, port in enumerate(ports[:2])}
    values = devnet_values(
        folder,
        nodes=nodes,
        mirror_url=f"http://{HOST}:{ports[2]}",
        operator=Config().operator.account,
        ports=(ports[4], ports[5]),
        mirror_grpc_address=f"{HOST}:{ports[3]}",
    )
    [api_key] = values["http.api_keys"]
    api_key |= {"rate_per_s": 1e6, "burst": 1_000_000}
    always = {"tokens.roles_see_all": [SEES_ALL], "log.format": "json"}
    return environment(values | SETTINGS | always | dict(own))
