"""What systemd hands a service, and what it is told: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3)."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from bridge.errors import Unavailable

FIRST_FD = 3  # SD_LISTEN_FDS_START
STATUS_S = 10.0
"""Between two status lines where no watchdog asks for more."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where to tell how it goes, and within how many seconds each time (None: nobody listens, or waits for it).

    `sockets` are ports that systemd holds for us, by their FileDescriptorName=.
    """

    address: str | None = None
    watchdog_s: float | None = None
    sockets: Mapping[str, socket.socket] = field(default_factory=dict)

    def tell(self, *news: str) -> None:
        """Assignments such as READY=1. Nothing where there is no systemd, or it doesn't take them now."""
        if self.address is None:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
            way.setblocking(False)
            way.sendto("\n".join(news).encode(), address)

    async def run(self, status: Callable[[], Awaitable[str]]) -> None:
        """Tell the status line, and feed the watchdog with it, until cancelled.

        `status` raises Unavailable if something has stopped: that is told instead, and feeds nothing, as does a status
        that never comes. The looks come at a third of the time that the watchdog leaves.
        """
        if self.address is None:
            await asyncio.Event().wait()
        while True:
            try:
                self.tell(f"STATUS={await status()}", *(["WATCHDOG=1"] if self.watchdog_s else []))
            except Unavailable as stopped:
                self.tell(f"STATUS={stopped}")
            await asyncio.sleep(STATUS_S if self.watchdog_s is None else min(STATUS_S, self.watchdog_s / 3))


def service(environ: Mapping[str, str], *, pid: int | None = None) -> Service:
    """As the environment tells process `pid` (None: this one). Call it once: the sockets are taken over."""
    own = str(os.getpid() if pid is None else pid)
    watchdog_s = None
    if environ.get("WATCHDOG_PID", own) == own and (microseconds := environ.get("WATCHDOG_USEC", "")).isdecimal():
        watchdog_s = int(microseconds) / 1e6
    sockets = {}
    if environ.get("LISTEN_PID") == own:
        names = environ.get("LISTEN_FDNAMES", "").split(":")
        for number, name in enumerate(names[: int(environ.get("LISTEN_FDS", "0"))]):
            sockets[name] = socket.socket(fileno=FIRST_FD + number)
            sockets[name].setblocking(False)
    return Service(environ.get("NOTIFY_SOCKET") or None, watchdog_s, sockets)
