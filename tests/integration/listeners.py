"""Two public clients, unchanged, that write down what they get: npm centrifuge and PyPI centrifuge-python."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from centrifuge import Client, PublicationContext, SubscribedContext, SubscriptionEventHandler

JS = Path(__file__).parent / "js"
LINE_BYTES = 1 << 20


@dataclass
class Heard:
    """What a client was given, by channel: confirmed publications in order, ids of provisional ones."""

    confirmed: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    provisional: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    subscribed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lost: list[str] = field(default_factory=list)
    complaints: list[Any] = field(default_factory=list)

    def take(self, channel: str, offset: int | None, data: dict[str, Any]) -> None:
        """A publication came."""
        if data["meta"]["phase"] == "confirmed":
            assert offset
            self.confirmed[channel].append((offset, data))
        else:
            assert not offset
            self.provisional[channel].append(data["meta"]["id"])

    @property
    def count(self) -> int:
        """How many confirmed publications came."""
        return sum(len(found) for found in self.confirmed.values())


@asynccontextmanager
async def npm_centrifuge(url: str, token: str, channels: Sequence[str]) -> AsyncIterator[Heard]:
    """The JavaScript client, in node."""
    node = shutil.which("node")
    assert node, "node is missing"
    assert (JS / "node_modules").is_dir(), "the Node test clients are missing: `make test` installs them"
    process = await asyncio.create_subprocess_exec(
        node, JS / "listen.mjs", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES
    )
    assert process.stdin
    assert process.stdout
    heard = Heard()
    process.stdin.write(json.dumps({"url": url, "token": token, "channels": list(channels)}).encode() + b"\n")
    reading = asyncio.create_task(_read(process.stdout, heard))
    try:
        yield heard
    finally:
        process.stdin.close()
        await process.wait()
        await reading


async def _read(lines: asyncio.StreamReader, heard: Heard) -> None:
    async for line in lines:
        match json.loads(line):
            case {"channel": channel, "offset": offset, "data": data}:
                heard.take(channel, offset, data)
            case {"subscribed": channel}:
                heard.subscribed[channel] += 1
            case other:
                heard.complaints.append(other)


@asynccontextmanager
async def python_centrifuge(url: str, token: str, channels: Sequence[str]) -> AsyncIterator[Heard]:
    """The Python client, in this process."""
    heard = Heard()
    client = Client(url, token=token, min_reconnect_delay=0.05, max_reconnect_delay=0.5)
    for channel in channels:
        subscription = client.new_subscription(
            channel, events=_Events(channel, heard), recoverable=True, positioned=True
        )
        await subscription.subscribe()
    await client.connect()
    try:
        yield heard
    finally:
        await client.disconnect()


class _Events(SubscriptionEventHandler):  # type: ignore[misc] # the library ships no types
    def __init__(self, channel: str, heard: Heard) -> None:
        self._channel = channel
        self._heard = heard

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self._heard.subscribed[self._channel] += 1
        if ctx.was_recovering and not ctx.recovered:
            self._heard.lost.append(self._channel)

    async def on_publication(self, ctx: PublicationContext) -> None:
        self._heard.take(self._channel, ctx.pub.offset, ctx.pub.data)
