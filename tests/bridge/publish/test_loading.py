"""What goes into a flight: how much, in which order, sealed for whom, and on disk before it leaves."""

from __future__ import annotations

import os
from dataclasses import replace

from sqlalchemy import Connection, select

from bridge.keys.ring import CampaignKeys, user_owner
from bridge.protocol.values import TopicContext
from bridge.protocol.wire.epochs import KeyTable
from bridge.protocol.wire.frame import OpenedFrame, Sealed, open_frame
from bridge.protocol.wire.manifest import parse_manifest
from bridge.publish import flights, outbox
from bridge.publish.flights import Flight, FlightState
from bridge.publish.ingest import Request
from bridge.publish.loading import Load, Loader
from bridge.schema import entries, registry, transactions
from tests.footing import NETWORK, Terms
from tests.rooms import Rooms, change, rooms_on
from topics.registry import Registration
from topics.values import TopicId

TOPIC = TopicId(0, 0, 7001)


def ready(connection: Connection, loader: Loader) -> None:
    """c1 with a topic and a manifest that has reached consensus."""
    registry.created(connection, "c1", TOPIC)
    manifest = flight_of(loader.load(connection, ["c1"]))
    flights.finish(connection, [manifest.id], FlightState.SUBMITTED)
    registry.ready(connection, "c1")


def found(connection: Connection) -> Registration:
    registration = registry.find(connection, "c1")
    assert registration is not None
    return registration


def flight_of(loads: list[Load]) -> Flight:
    [load] = loads
    assert load.flight is not None
    return load.flight


def message(flight: Flight) -> bytes:
    return b"".join(chunk.message for chunk in flight.chunks)


def unsealed(rooms: Rooms, connection: Connection, flight: Flight, *, signed: bool = True) -> OpenedFrame:
    keys = CampaignKeys(rooms.ring, connection, "c1")
    context = TopicContext(NETWORK, TOPIC, signed)
    return open_frame(message(flight), context=context, keys=keys, verify_with=rooms.terms.public)


async def load(rooms: Rooms, loader: Loader | None = None) -> Flight:
    """The next frame of c1, landed as soon as it is looked at, so that the next may follow."""
    loader = loader or rooms.loader

    def work(connection: Connection) -> Flight:
        if found(connection).topic_id is None:
            ready(connection, loader)
        flight = flight_of(loader.load(connection, ["c1"]))
        flights.finish(connection, [flight.id], FlightState.SUBMITTED)
        return flight

    return await rooms.database.write(work)


async def test_waiting_events_share_a_frame_in_their_order(rooms: Rooms) -> None:
    accepted = await rooms.ingest.accept([change(n=str(n)) for n in range(30)], Request("k"))
    flight = await load(rooms)
    frame = await rooms.database.read(lambda c: unsealed(rooms, c, flight))
    assert [event.id for event in frame.events if not isinstance(event, Sealed)] == list(accepted.ids)
    assert frame.producer_sequence == flight.producer_sequence == 1
    places = await rooms.database.read(
        lambda c: c.execute(select(entries.c.index).order_by(entries.c.id)).scalars().all()
    )
    assert places == list(range(30))


async def test_every_id_is_on_disk_with_its_bytes(rooms: Rooms) -> None:
    await rooms.ingest.accept([change(text=os.urandom(1500).hex())], Request("k"))
    flight = await load(rooms)
    assert [(chunk.number, chunk.total) for chunk in flight.chunks] == [
        (n, len(flight.chunks)) for n in range(1, len(flight.chunks) + 1)
    ]
    assert len(flight.chunks) > 1
    rows = await rooms.database.read(
        lambda c: c.execute(select(transactions).where(transactions.c.flight_id == flight.id)).all()
    )
    assert {(row.number, row.message) for row in rows} == {(chunk.number, chunk.message) for chunk in flight.chunks}
    assert all(len(chunk.message) <= 1024 for chunk in flight.chunks)


async def test_frames_keep_to_their_bound_and_leave_the_rest_waiting(terms: Terms) -> None:
    async with rooms_on(terms, max_frame_bytes=1024) as rooms:
        changes = [change(n=str(n), user_id="7" if n % 3 else None, text="x" * (n * 7 % 150)) for n in range(40)]
        accepted = await rooms.ingest.accept(changes, Request("k"))
        ids, counts = [], []
        while await rooms.database.read(lambda c: outbox.waiting(c, "c1", limit=1)):
            flight = await load(rooms)
            frame = await rooms.database.read(lambda c, flight=flight: unsealed(rooms, c, flight))  # type: ignore[misc]
            ids += [event.id for event in frame.events if not isinstance(event, Sealed)]
            counts.append(len(frame.events))
            assert len(message(flight)) <= 1024
        assert ids == list(accepted.ids)
        assert sum(counts) / len(counts) > 3


async def test_an_event_longer_than_the_bound_goes_alone(terms: Terms) -> None:
    async with rooms_on(terms, max_frame_bytes=1024) as rooms:
        await rooms.ingest.accept([change(text="x" * 1000), change()], Request("k"))
        assert len(message(await load(rooms))) > 1000
        assert await rooms.database.read(lambda c: len(outbox.waiting(c, "c1", limit=10))) == 1


async def test_a_frame_holds_so_many_events_at_most(terms: Terms) -> None:
    async with rooms_on(terms, max_events_per_frame=3) as rooms:
        await rooms.ingest.accept([change() for _ in range(5)], Request("k"))
        flight = await load(rooms)
        assert len((await rooms.database.read(lambda c: unsealed(rooms, c, flight))).events) == 3


async def test_what_is_for_one_user_is_sealed_under_that_users_key(rooms: Rooms) -> None:
    await rooms.ingest.accept(
        [change(), change(user_id="7", note="a planted canary"), change(user_id="8")], Request("k")
    )
    flight = await load(rooms)

    def without_users(connection: Connection) -> OpenedFrame:
        campaign = rooms.ring.ensure(connection, "campaign:c1", now_ms=1)
        context = TopicContext(NETWORK, TOPIC, signed=True)
        return open_frame(message(flight), context=context, keys=KeyTable(epochs=(campaign,)))

    frame = await rooms.database.read(without_users)
    seven, eight = [
        await rooms.database.read(lambda c, user=user: rooms.ring.current(c, user_owner(user)))  # type: ignore[misc]
        for user in ("7", "8")
    ]
    assert seven is not None
    assert eight is not None
    assert frame.events[1:] == (Sealed(seven.kid), Sealed(eight.kid))
    whole = await rooms.database.read(lambda c: unsealed(rooms, c, flight))
    assert [getattr(event, "audience", "?") for event in whole.events] == [None, "7", "8"]


async def test_the_manifest_says_what_the_topic_is(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", "77")

    def work(connection: Connection) -> tuple[bytes, bytes]:
        registry.created(connection, "c1", TOPIC)
        manifest = flight_of(rooms.loader.load(connection, ["c1"]))
        epoch = rooms.ring.current(connection, "campaign:c1")
        assert epoch is not None
        return message(manifest), epoch.key

    text, key = await rooms.database.write(work)
    manifest = parse_manifest(text, network=NETWORK, topic_id=TOPIC, pinned=rooms.terms.public)
    assert manifest.pinned
    assert manifest.context.signed
    belongs = manifest.unseal(key)
    assert (belongs.campaign_id, belongs.owner_id) == ("c1", "77")


async def test_a_topic_stays_signed_whatever_is_configured_later(rooms: Rooms) -> None:
    await rooms.ingest.accept([change()], Request("k"))
    await load(rooms)
    await rooms.ingest.accept([change()], Request("k"))
    flight = await load(rooms, replace(rooms.loader, sign_frames=False))
    frame = await rooms.database.read(lambda c: unsealed(rooms, c, flight, signed=True))
    assert len(frame.events) == 1


async def test_a_topic_stays_unsigned_whatever_is_configured_later(terms: Terms) -> None:
    async with rooms_on(terms, signed=False) as rooms:
        await rooms.ingest.accept([change()], Request("k"))
        await load(rooms)
        await rooms.ingest.accept([change()], Request("k"))
        flight = await load(rooms, replace(rooms.loader, sign_frames=True))
        frame = await rooms.database.read(lambda c: unsealed(rooms, c, flight, signed=False))
        assert len(frame.events) == 1


async def test_nothing_waiting_makes_no_flight(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", None)

    def work(connection: Connection) -> Flight | None:
        ready(connection, rooms.loader)
        return rooms.loader.load(connection, ["c1"])[0].flight

    assert await rooms.database.write(work) is None
