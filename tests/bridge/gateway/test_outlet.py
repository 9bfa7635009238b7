"""An outlet joins what a turn brings, bounds what waits, and sends nothing after the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.gateway.outlet import Outlet, Turn


class Wire:
    """A socket whose kernel takes as much as `room` says."""

    def __init__(self, room: int = 10**9) -> None:
        self.written: list[bytes] = []
        self.room = room

    @property
    def encode(self) -> Callable[[bytes], bytes]:
        return bytes.upper

    def write(self, wire: bytes) -> None:
        self.written.append(wire)

    def queued_bytes(self) -> int:
        return max(0, sum(map(len, self.written)) - self.room)

    async def drained(self) -> None:
        await asyncio.sleep(0)


async def outlet(wire: Wire) -> tuple[Outlet, list[str]]:
    cuts: list[str] = []
    made = Outlet(wire, Turn(asyncio.get_running_loop()), max_pending_bytes=10)
    made.cut = lambda: cuts.append("cut")
    return made, cuts


async def test_one_write_a_turn() -> None:
    wire = Wire()
    made, _ = await outlet(wire)
    made.write(made.encode(b"ab"))
    made.write(b"cd")
    assert wire.written == []
    await asyncio.sleep(0)
    assert wire.written == [b"ABcd"]
    made.write(b"e")
    await made.drained()
    assert wire.written == [b"ABcd", b"e"]
    await asyncio.sleep(0)
    assert len(wire.written) == 2


async def test_a_client_that_keeps_up_may_have_any_amount() -> None:
    made, cuts = await outlet(wire := Wire())
    for _ in range(10):
        made.write(b"12345678")
    made.flush()
    assert (b"".join(wire.written), cuts) == (b"12345678" * 10, [])


async def test_a_slow_one_is_cut_once_at_its_limit() -> None:
    made, cuts = await outlet(wire := Wire(room=5))
    for _ in range(10):
        made.write(b"1234")
        made.flush()
    assert cuts == ["cut"]
    assert wire.queued_bytes() <= 10


async def test_closing_sends_what_waits_and_nothing_more() -> None:
    made, _ = await outlet(wire := Wire())
    made.write(b"last")
    made.close()
    made.write(b"late")
    await asyncio.sleep(0)
    assert wire.written == [b"last"]
