"""What systemd is told arrives at its socket; what it hands over is taken."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from bridge.errors import Unavailable
from bridge.systemd import Service, service

DEADLINE_S = 10


class Listener:
    """Stands in systemd's place: its end of the notification socket."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(DEADLINE_S)

    async def hear(self) -> list[str]:
        """The next message's lines."""
        return (await asyncio.to_thread(self.socket.recv, 4096)).decode().split("\n")


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Listener]]:
    address = (
        f"@hcs-bridge-{os.getpid()}-{os.urandom(4).hex()}" if request.param == "abstract" else f"{tmp_path}/notify"
    )
    ear = Listener(address)
    yield address, ear
    ear.socket.close()


class Daemon:
    """Says a line, or that something in it has stopped."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.stopped: str | None = None

    async def status(self) -> str:
        if self.stopped is not None:
            raise Unavailable("the relay", self.stopped)
        return self.line


@asynccontextmanager
async def running(one: Service, daemon: Daemon) -> AsyncIterator[None]:
    task = asyncio.create_task(one.run(daemon.status))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_it_tells_its_status_and_feeds_the_watchdog(listener: tuple[str, Listener]) -> None:
    address, ear = listener
    one = service({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000"})
    one.tell("READY=1", "STATUS=there")
    assert await ear.hear() == ["READY=1", "STATUS=there"]
    daemon = Daemon("2 clients")
    async with running(one, daemon):
        assert await ear.hear() == ["STATUS=2 clients", "WATCHDOG=1"]
        daemon.line = "3 clients"
        while (await ear.hear())[0] != "STATUS=3 clients":
            pass


async def test_who_is_stuck_does_not_feed_it(listener: tuple[str, Listener]) -> None:
    address, ear = listener
    daemon = Daemon("fine")
    daemon.stopped = "it has asked no mirror for 61 s"
    async with running(service({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000"}), daemon):
        heard = await ear.hear()
        assert len(heard) == 1
        assert "it has asked no mirror for 61 s" in heard[0]
        daemon.stopped = None
        while "WATCHDOG=1" not in await ear.hear():
            pass


async def test_without_a_watchdog_there_is_only_the_status(listener: tuple[str, Listener]) -> None:
    address, ear = listener
    another = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000", "WATCHDOG_PID": str(os.getpid() + 1)}
    async with running(service(another), Daemon("fine")):
        assert await ear.hear() == ["STATUS=fine"]


async def test_where_nobody_listens_nothing_is_told(tmp_path: Path) -> None:
    service({}).tell("READY=1")
    service({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")


TAKES_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
from bridge.systemd import service
given = dict(os.environ, LISTEN_PID=str(os.getpid()))
print(service(given).sockets["gateway"].getsockname()[1])
print(service(os.environ).sockets)
"""


def test_a_port_that_is_held_for_it_is_taken_over_and_one_for_another_process_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-", str(held.fileno())],
            input=TAKES_OVER,
            env=os.environ | {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "gateway"},
            pass_fds=[held.fileno()],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split("\n")[:2] == [str(port), "{}"]
