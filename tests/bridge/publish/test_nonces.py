"""Under one key no nonce stands twice, whatever is sealed, rotated, refused or resent, also over restarts and nodes."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bridge.keys.ring import user_owner
from bridge.protocol.wire import cose, wrapping
from bridge.publish.rotating import rotate
from bridge.schema import entries, transactions
from tests.bridge.publish.killing import Axe, Killed, under
from tests.footing import Terms, terms_at
from tests.rooms import Rooms, change, going, rooms_on, until


class Recorded:
    """Seals as ever, and remembers under which key with which nonce."""

    used: ClassVar[Counter[tuple[bytes, bytes]]] = Counter()

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._seals = AESGCM(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        self.used[self._key, nonce] += 1
        return self._seals.encrypt(nonce, data, associated_data)

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        return self._seals.decrypt(nonce, data, associated_data)


STEPS = ("event", "for a user", "rotate", "rotate the user", "carry", "crash", "refused", "relay")


async def live(terms: Terms, steps: list[str]) -> None:
    place = iter(steps)
    crashed = True
    while crashed:
        crashed = False
        async with rooms_on(terms) as rooms:  # leaving it is a crash of all that goes
            for step in place:
                await take(rooms, step)
                if crashed := step == "crash":
                    break


async def take(rooms: Rooms, step: str) -> None:
    match step:
        case "event":
            await rooms.accept(change(text="x"))
        case "for a user":
            await rooms.accept(change(text="x", user_id="7"), change(text="y", user_id="7"))
        case "rotate":
            await rooms.ingest.register("c1", None)
            await rooms.database.write(lambda c: rotate(c, "c1", rooms.at_rest, api_key="ops", now_ms=1))
        case "rotate the user":
            await rooms.database.write(lambda c: rooms.ring.renew(c, user_owner("7"), now_ms=1))
        case "carry":
            await rooms.carry("c1")
        case "seal":
            await rooms.database.write_together(rooms.loader.load, "c1")
        case "crash":
            with suppress(Killed):
                await under(Axe(2, after=True), rooms).advance("c1")
        case "refused":
            await refuse(rooms)
            await rooms.carry("c1")
        case "relay":
            await rooms.carry("c1")
            async with going(rooms, "inbound"):
                await until(lambda: settled(rooms))


async def refuse(rooms: Rooms) -> None:
    """Have the network refuse the next flight for what it says; one that is on its way stays as it was sent."""
    load = await rooms.database.write_together(rooms.loader.load, "c1")
    if load.fresh and load.flight is not None:
        broken = transactions.update().where(transactions.c.flight_id == load.flight.id)
        await rooms.database.write(lambda c: c.execute(broken.values(message=b"")))


async def settled(rooms: Rooms) -> bool:
    open_ones = select(entries.c.id).where(entries.c.state.in_(("flying", "submitted")))
    return await rooms.database.read(lambda c: c.execute(open_ones).all()) == []


@pytest.fixture(scope="module", autouse=True)
def recorded() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (cose, wrapping):
            patch.setattr(module, "AESGCM", Recorded)
        yield


@pytest.mark.sqlite  # it goes on with a copy of the file
@settings(max_examples=6, deadline=None)
@given(st.lists(st.sampled_from(STEPS), min_size=4, max_size=12))
def test_no_nonce_stands_twice_under_a_key(steps: list[str]) -> None:
    async def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with terms_at(Path(folder)) as terms:
                await live(terms, ["event", "for a user", "carry"])
                other = replace(terms, path=Path(shutil.copy(terms.path, f"{terms.path}.copy")))
                await live(terms, steps)
                await live(
                    other, ["event", "for a user", "seal"]
                )  # another node goes on from a copy, under the same keys

    Recorded.used.clear()
    asyncio.run(whole())
    assert Recorded.used
    assert {pair: count for pair, count in Recorded.used.items() if count > 1} == {}
