"""A listening socket that knows who hasn't said what they want: who opens connections and is silent fills nothing."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from typing import Any

BACKLOG = 4096  # the kernel's own limit is net.core.somaxconn; all may come back at once
LOOK_S = 0.01

_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)


class Accepted(socket.socket):
    """A connection, which calls `at_close` when it is closed, at least once."""

    at_close: list[Callable[[], object]]

    def close(self) -> None:
        """Both the loop's and TLS's transports end here."""
        for told in self.at_close:
            told()
        super().close()


class Listener(socket.socket):
    """Holds at most `max_silent` connections that are silent: those in TLS, or without a whole request.

    Beyond that the one that is silent for longest is hung up on, not the newest: who means it is done within a few
    round trips, and gets in beside any number of others who never finish.
    """

    def __init__(self, host: str, port: int, *, max_silent: int, held: socket.socket | None = None) -> None:
        """Listen at the address, the first one where `host` is a name; or take over what systemd has `held` for us.

        Raises OSError.
        """
        made = _listening(host, port) if held is None else held
        # The kernel knows that it is TCP, `made` may not: asyncio sets TCP_NODELAY only where it is told so. Without
        # it a client gets a second frame no sooner than its acknowledgement of the first is here, 40 ms or more later.
        super().__init__(fileno=made.detach())
        self.setblocking(False)
        self.max_silent = max_silent
        self._silent: dict[int, Accepted] = {}  # by descriptor, longest silent first
        self._short = False  # of descriptors

    @property
    def silent(self) -> int:
        """How many there are."""
        return len(self._silent)

    def accept(self) -> tuple[Accepted, Any]:
        """The loop's own call, which it repeats, and after EMFILE, too, thousands of times: it has to be told no."""
        if self._short:
            self._short = False
            raise BlockingIOError  # the loop looks again in a second
        try:
            made, address = super().accept()
        except OSError as error:
            if error.errno in _NO_DESCRIPTORS and self._silent:
                self._hang_up()
                raise BlockingIOError from error  # there is room in the loop's next turn
            self._short = error.errno in _NO_DESCRIPTORS
            raise
        accepted = Accepted(made.family, made.type, made.proto, fileno=made.detach())
        descriptor = accepted.fileno()
        accepted.at_close = [lambda: self._silent.pop(descriptor, None)]
        self._add(descriptor, accepted)
        return accepted, address

    def speaks(self, transport: asyncio.BaseTransport) -> Accepted | None:
        """A whole request is there; the connection comes back, for `rests`. None: it is gone."""
        return self._silent.pop(transport.get_extra_info("socket").fileno(), None)

    def rests(self, accepted: Accepted) -> None:
        """The request was answered, and perhaps another one follows."""
        if (descriptor := accepted.fileno()) >= 0:
            self._add(descriptor, accepted)

    async def turn_away(self, *, within_s: float) -> None:
        """Accept nobody more, so that who comes now waits for the next daemon where the port is held by systemd.

        Who came before has so long to say what they want.
        """
        loop = asyncio.get_running_loop()
        if self.fileno() < 0:  # closed already
            return
        loop.remove_reader(self)
        ends_s = loop.time() + within_s
        while self._silent and loop.time() < ends_s:  # noqa: ASYNC110 # it happens once
            await asyncio.sleep(LOOK_S)

    def _add(self, descriptor: int, accepted: Accepted) -> None:
        self._silent[descriptor] = accepted
        if len(self._silent) > self.max_silent:
            self._hang_up()

    def _hang_up(self) -> None:
        oldest = self._silent.pop(next(iter(self._silent)))
        with contextlib.suppress(OSError):  # it is gone already
            oldest.shutdown(socket.SHUT_RDWR)  # its transport reads an end, and closes it


def _listening(host: str, port: int) -> socket.socket:
    stream, passive = socket.SOCK_STREAM, socket.AI_PASSIVE
    family, _, _, _, address = socket.getaddrinfo(host or None, port, type=stream, flags=passive)[0]
    return socket.create_server(address[:2], family=family, backlog=BACKLOG)
