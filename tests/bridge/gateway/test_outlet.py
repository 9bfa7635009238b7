"""An outlet joins what a turn brings, bounds what waits, goes straight where nothing does, and ends with its socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.gateway.outlet import WRITE_BYTES, Outlet, Turn


class Wire:
    """A socket whose kernel takes as much as `room` says. With `tells` it says so to its outlet, as transports do."""

    def __init__(self, room: int = 10**9, *, tells: bool = False) -> None:
        self.written: list[bytes] = []
        self.room = room
        self.tells = tells
        self.outlet: Outlet | None = None
        self.paused = False
        self.resumed = asyncio.Event()

    @property
    def encode(self) -> Callable[[bytes], bytes]:
        return bytes.upper

    @property
    def write(self) -> Callable[[bytes], None]:
        return self.take

    def take(self, wire: bytes) -> None:
        self.written.append(wire)
        if self.tells and self.outlet and not self.paused and self.queued_bytes():
            self.paused = True
            self.resumed.clear()
            self.outlet.pause()

    def widen(self, room: int) -> None:
        self.room = room
        assert self.outlet
        self.paused = False
        self.outlet.resume()
        self.resumed.set()

    def queued_bytes(self) -> int:
        return max(0, sum(map(len, self.written)) - self.room)

    async def drained(self) -> None:
        if self.paused:
            await self.resumed.wait()
        await asyncio.sleep(0)


async def outlet(wire: Wire, *, max_pending_bytes: int = 10) -> tuple[Outlet, list[str]]:
    cuts: list[str] = []
    made = Outlet(wire, Turn(asyncio.get_running_loop()), max_pending_bytes=max_pending_bytes)
    made.cut = lambda: cuts.append("cut")
    wire.outlet = made
    if wire.tells:
        made.resume()
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


async def test_the_last_of_a_turn_goes_straight_to_the_socket_unless_something_waits() -> None:
    made, _ = await outlet(wire := Wire(tells=True))
    made.send(b"ab")
    assert wire.written == [b"ab"]
    made.write(b"cd")
    made.send(b"ef")
    assert wire.written == [b"ab"]
    await asyncio.sleep(0)
    assert wire.written == [b"ab", b"cdef"]
    made.send(b"gh")
    assert wire.written == [b"ab", b"cdef", b"gh"]


async def test_a_socket_that_does_not_tell_is_asked_at_the_end_of_each_turn() -> None:
    made, _ = await outlet(wire := Wire())
    made.send(b"ab")
    assert wire.written == []
    await asyncio.sleep(0)
    assert wire.written == [b"ab"]


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


async def test_a_paused_one_is_cut_at_the_same_limit_without_waiting_for_the_turn() -> None:
    made, cuts = await outlet(wire := Wire(room=5, tells=True))
    sent = 0
    while not cuts:
        made.send(b"1234")
        sent += 4
    assert sent - 4 - wire.room <= 10 < sent - wire.room
    made.send(b"late")
    made.flush()
    assert cuts == ["cut"]
    assert b"".join(wire.written) == b"12341234"


async def test_what_waits_for_a_paused_one_comes_in_order_when_it_reads_again() -> None:
    made, cuts = await outlet(wire := Wire(room=3, tells=True), max_pending_bytes=1000)
    wires = [b"%04d" % number for number in range(20)]
    for each in wires:
        made.send(each)
    made.write(b"last")
    assert b"".join(wire.written) == wires[0]
    waiting = asyncio.create_task(made.drained())
    await asyncio.sleep(0)
    wire.widen(30)  # takes some, and pauses again while it is given them
    await asyncio.sleep(0)
    assert not waiting.done()
    wire.widen(10**9)
    await waiting
    assert b"".join(wire.written) == b"".join(wires) + b"last"
    made.send(b"live")
    assert wire.written[-1] == b"live"
    assert cuts == []


async def test_the_slow_share_the_bytes_that_wait_for_them() -> None:
    shared, sockets = bytes(WRITE_BYTES), [Wire(room=0, tells=True) for _ in range(2)]
    for wire in sockets:
        made, _ = await outlet(wire, max_pending_bytes=10 * WRITE_BYTES)
        for _ in range(3):
            made.send(shared)
        wire.widen(10**9)
        assert all(each is shared for each in wire.written)
        assert len(wire.written) == 3


async def test_closing_sends_what_waits_and_nothing_more() -> None:
    made, _ = await outlet(wire := Wire())
    made.write(b"last")
    made.close()
    made.write(b"late")
    made.send(b"late")
    await asyncio.sleep(0)
    assert wire.written == [b"last"]


async def test_closing_keeps_nothing_back_from_a_paused_one() -> None:
    made, _ = await outlet(wire := Wire(room=1, tells=True))
    for each in (b"ab", b"cd", b"ef"):
        made.send(each)
    made.close()
    made.send(b"late")
    assert b"".join(wire.written) == b"abcdef"


async def test_behind_the_end_of_the_socket_nothing_is_written_whatever_it_tells() -> None:
    made, _ = await outlet(wire := Wire(tells=True))
    made.write(b"waits")
    made.end()
    made.pause()
    made.resume()
    made.send(b"late")
    made.write(b"late")
    await made.drained()
    assert wire.written == []
