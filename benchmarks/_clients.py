"""The clients of the door benchmark, a process of their own: `python -m benchmarks._clients`, orders on standard input.

Requests are made once, written to the socket as they are, and of an answer only its status and length are read, so that
the daemon has the machine. Each client keeps one connection, and sends when the last answer is there.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from bridge.demo.account import percentiles

ACCEPTED = b"HTTP/1.1 202 "
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class _Client(asyncio.Protocol):
    """Sends until it is told to stop; what it measured is in `accepted_ms` and `refused`."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.accepted_ms: list[float] = []
        self.refused = 0
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stopping = False
        self._requests = requests
        self._answer = b""
        self._sent_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if length is None:
            raise ValueError(f"an answer without a length: {head!r}")
        if len(body) < int(length[1]):
            return
        if head.startswith(ACCEPTED):
            self.accepted_ms.append((time.perf_counter() - self._sent_s) * 1000)
        else:
            self.refused += 1
        self._answer = b""
        if self.stopping:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None and self.stopping:
            self.gone.set_result(None)
        else:
            self.gone.set_exception(exc or ConnectionResetError("the door hung up"))

    def _send(self) -> None:
        self._sent_s = time.perf_counter()
        self._transport.write(next(self._requests))


def request(host: str, api_key: str, change: object) -> bytes:
    """One event, as it goes over the wire."""
    body = json.dumps(change, separators=(",", ":"), ensure_ascii=False).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(orders: dict[str, Any]) -> dict[str, Any]:
    """Send for so many seconds; what was accepted, in how long, and the CPU that sending took."""
    host, port = orders["host"], orders["port"]
    requests = cycle([request(f"{host}:{port}", orders["api_key"], change) for change in orders["changes"]])
    cpu_before_s, started = time.process_time(), time.perf_counter()
    loop, clients = asyncio.get_running_loop(), list[_Client]()
    for _ in range(orders["clients"]):
        _, client = await loop.create_connection(lambda: _Client(requests), host, port)
        clients.append(client)
    await asyncio.wait([client.gone for client in clients], timeout=orders["seconds"])
    for client in clients:
        client.stopping = True
    await asyncio.gather(*(client.gone for client in clients))
    taken_s = time.perf_counter() - started
    accepted_ms = [each for client in clients for each in client.accepted_ms]
    return {
        "accepted": len(accepted_ms),
        "refused": sum(client.refused for client in clients),
        "seconds": taken_s,
        "cpu_s": time.process_time() - cpu_before_s,
        "answer_ms": percentiles(accepted_ms),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(load(json.load(sys.stdin)))) + "\n")
