"""What abuse of a socket ends in: its own code, nothing left behind, and no difference for whoever is beside it."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.frames import Opcode

from tests.bridge.gateway.gateway_fixture import OWNER, Running, running_gateway, until
from tests.bridge.gateway.raw_socket import RawSocket, masked, nothing_left, raw
from tests.bridge.gateway.wire_client import WireClient

CHANNEL = f"user:{OWNER}"
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
NUMBERS = ["1e999", "-1", "9" * 5000, "1.5", "18446744073709551616", "true", "[]", '"1"', "1" + "0" * 60_000]


class Beside:
    """A gateway, and a client beside the abuse that gets what is published."""

    def __init__(self, gateway: Running, client: WireClient) -> None:
        self.gateway = gateway
        self._client = client
        self._offset = 0

    async def is_well(self) -> None:
        """It gets a publication, and nobody else is there."""
        self._offset += 1
        self.gateway.publisher.confirm(CHANNEL, self._offset)
        while not (heard := await self._client.hear()):
            pass  # a ping
        assert heard["push"]["pub"]["offset"] == self._offset
        await until(lambda: self.gateway.server.connections == 1)
        assert (self.gateway.hub.subscribers(CHANNEL), list(self.gateway.hub.channels)) == (1, [CHANNEL])

    @contextlib.asynccontextmanager
    async def raw(self) -> AsyncIterator[RawSocket]:
        async with raw(self.gateway.server.port) as socket:
            yield socket

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[WireClient]:
        """Another one, with a token of its own, but not subscribed."""
        async with WireClient(self.gateway.url, compression=None) as client:
            await client.ask(connect={"token": self.gateway.token()})
            yield client


@contextlib.asynccontextmanager
async def beside(**changes: Any) -> AsyncIterator[Beside]:
    settings = {"close_timeout_s": 0.2, **changes}
    async with running_gateway(**settings) as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token()})
        await client.ask(subscribe={"channel": CHANNEL})
        made = Beside(gateway, client)
        async with nothing_left():
            yield made
            await made.is_well()


def bomb(size: int) -> bytes:
    """So many zeroes, deflated as a message is (RFC 7692 §7.2.1)."""
    deflater = zlib.compressobj(wbits=-15)
    return (deflater.compress(bytes(size)) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


FRAMES: dict[str, tuple[bytes, int]] = {
    "a bomb": (masked(Opcode.TEXT, bomb(60_000_000), rsv1=True), 1009),
    "a bomb behind a message that is full": (
        masked(Opcode.TEXT, bomb(65_536), fin=False, rsv1=True) + masked(Opcode.CONT, bomb(30_000_000)),
        1009,
    ),
    "what can't be inflated": (masked(Opcode.TEXT, b"\xff" * 100, rsv1=True), 1002),
    "fragments without end": (masked(Opcode.TEXT, b"", fin=False) + masked(Opcode.CONT, b"", fin=False) * 20_000, 3013),
    "large fragments": (masked(Opcode.TEXT, b"x", fin=False) + masked(Opcode.CONT, b"x" * 60_000, fin=False) * 3, 1009),
    "a continuation of nothing": (masked(Opcode.CONT, b"x"), 1002),
    "pings": (masked(Opcode.PING, b"x" * 125) * 20_000, 3013),
    "pongs": (masked(Opcode.PONG) * 20_000, 3013),
    "a ping that is too long": (masked(Opcode.PING, b"x" * 126), 1002),
    "text that is none": (masked(Opcode.TEXT, b'{"id":1,"connect":{"token":"\xff"}}'), 1007),
    "an opcode of nobody's": (b"\x83\x80\0\0\0\0", 1002),
    "a frame without a mask": (b"\x81\x02{}", 1002),
    "more than there is": (b"\x81\xff" + b"\x7f" + b"\xff" * 7 + bytes(4), 1009),
    "newlines": (masked(Opcode.TEXT, b"\n" * 65_536), 3013),
    "empty commands": (masked(Opcode.TEXT, b"{}\n" * 21_845), 3013),
    "a few newlines": (masked(Opcode.TEXT, b"\n" * 100), 3501),
}


@pytest.mark.parametrize("what", FRAMES)
async def test_frames_that_keep_no_rules(what: str) -> None:
    data, code = FRAMES[what]
    async with beside(compression=True) as made, made.raw() as socket:
        await socket.shake_hands(DEFLATE)
        socket.send(data)
        assert await socket.closed() == code


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
async def test_odd_numbers(number: str) -> None:
    async with beside() as made:
        for frame in ('{"id":%s,"ping":{}}', '{"id":1,"subscribe":{"channel":"user:77","recover":true,"offset":%s}}'):
            async with made.connected() as client:
                await client.socket.send(frame % number)
                assert await client.closed() == 3501


async def test_thousands_of_commands_in_a_frame() -> None:
    async with beside() as made, made.connected() as client:
        await client.socket.send('{"id":1,"presence":{"channel":"user:77"}}\n' * 1500)
        assert await client.closed() == 3013


async def test_commands_frame_by_frame() -> None:
    async with beside() as made, made.connected() as client:
        with contextlib.suppress(Exception):  # it is closed before all are out
            for _ in range(2000):
                await client.socket.send('{"id":1,"history":{"channel":"user:77"}}')
        assert await client.closed() == 3013


@pytest.mark.parametrize(
    "claims",
    [
        {"campaigns": ["7"] * 10_001},
        {"channels": {f"user:{number}": {} for number in range(2000)}},
        {"id": "7" * 60_000},
        {"id": 10**4000},
        {"exp": 10**4000},
        {"iat": -(10**300)},
        {"role": {"a": {"b": [{}] * 5000}}},
    ],
    ids=lambda claims: next(iter(claims)),
)
async def test_giant_claims(claims: dict[str, Any]) -> None:
    async with beside() as made, WireClient(made.gateway.url) as client:
        token = made.gateway.token(**claims)
        await client.say(connect={"token": token})
        assert await client.closed() == (3500 if len(token) < 65_000 else 1009)


async def test_who_never_reads_is_cut_while_it_sends() -> None:
    limits = {"max_pending_bytes": 100_000, "max_commands_per_s": 1e6, "ping_interval_s": 0.2}
    async with beside(**limits) as made, made.raw() as socket:
        await socket.shake_hands()
        socket.send(masked(Opcode.TEXT, b'{"id":1,"connect":{"token":"%s"}}' % made.gateway.token().encode()))
        await until(lambda: made.gateway.server.connections == 2)
        socket.stop_reading()
        for _ in range(1000):
            socket.send(masked(Opcode.PING, b"x" * 125) * 1000)  # each is answered by a pong, which nobody reads
            if made.gateway.server.connections == 1:
                break
            await asyncio.sleep(0.01)
        await until(lambda: made.gateway.server.connections == 1)
