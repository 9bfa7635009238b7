"""The carrier brings a campaign to the ledger: topic, manifest, frames; and tells whose fault a refusal is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection, select, update

from bridge.publish import flights, outbox
from bridge.publish.flights import FlightState
from bridge.publish.ingest import Request
from bridge.publish.outbox import EntryState
from bridge.schema import flights as flights_table
from bridge.schema import registry, topics, transactions
from tests.bridge.publish.killing import Axe, Killed, under
from tests.rooms import Rooms, change
from tests.topics.client import client_of
from topics.errors import Rejected
from topics.registry import TopicState


async def loaded(rooms: Rooms, *texts: str) -> list[bytes]:
    """Events of c1 in a flight that is on disk and not sent yet; the topic is ready."""
    await rooms.ingest.register("c1", None)
    await rooms.carry("c1")
    accepted = await rooms.accept(*(change(text=text) for text in texts or ("x",)))
    axe = Axe(1, after=True)
    with pytest.raises(Killed):
        await under(axe, rooms).advance("c1")
    return list(accepted.ids)


async def tamper(rooms: Rooms, message: bytes) -> None:
    """Put another message in the place of the open flight's chunks."""
    await rooms.database.write(
        lambda c: c.execute(update(transactions).where(transactions.c.state == "intended").values(message=message))
    )


async def flight_states(rooms: Rooms) -> list[tuple[int, str]]:
    found = select(flights_table.c.producer_sequence, flights_table.c.state).order_by(flights_table.c.id)
    return [tuple(row) for row in await rooms.database.read(lambda c: c.execute(found).all())]


async def test_a_registered_campaign_gets_its_topic_and_its_manifest(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", "77")
    assert await rooms.carrier.advance("c1") is True
    assert await rooms.carrier.advance("c1") is False
    registration = await rooms.database.read(lambda c: registry.find(c, "c1"))
    assert registration is not None
    assert (registration.state, registration.signed) == (TopicState.READY, True)
    topic_id = await rooms.topic("c1")
    [manifest] = await rooms.mirror.messages(topic_id, after=0)
    assert manifest.message[0] == 0xD2
    topic = await rooms.mirror.topic(topic_id)
    assert topic is not None
    assert (topic.memo, topic.admin_key) == ("hcs-bridge:1", None)
    assert topic.submit_key is not None


async def test_events_arrive_in_order_and_their_receipts_are_kept(rooms: Rooms) -> None:
    ids = [id_ for n in range(5) for id_ in (await rooms.accept(change(n=str(n)))).ids]
    await rooms.carry("c1")
    assert [event.id for event in await rooms.on_ledger("c1")] == ids
    assert [await rooms.state(id_) for id_ in ids] == [EntryState.SUBMITTED] * 5
    messages = await rooms.mirror.messages(await rooms.topic("c1"), after=0)
    pinned = select(transactions.c.sequence, transactions.c.running_hash).where(transactions.c.message.is_not(None))
    rows = await rooms.database.read(lambda c: c.execute(pinned).all())
    assert {tuple(row) for row in rows} == {(m.sequence, m.running_hash) for m in messages}


async def test_a_chunked_frame_names_its_first_chunk(rooms: Rooms) -> None:
    accepted = await rooms.accept(change(text="x" * 3_000))
    await rooms.carry("c1")
    messages = (await rooms.mirror.messages(await rooms.topic("c1"), after=0))[1:]
    infos = [message.chunk for message in messages]
    numbers = [info.number for info in infos if info and info.total == len(messages)]
    assert sorted(numbers) == [*range(1, len(messages) + 1)]
    assert (numbers[0], numbers[-1]) == (1, len(messages))  # between the two they go together, in any order
    assert len({info.initial for info in infos if info}) == 1
    assert [event.id for event in await rooms.on_ledger("c1")] == list(accepted.ids)


async def test_unknown_and_closed_campaigns_have_nothing_to_carry(rooms: Rooms) -> None:
    assert await rooms.carrier.advance("nobody") is False
    await rooms.accept(change())
    await rooms.database.write(lambda c: c.execute(update(topics).values(state="closed")))
    assert await rooms.carrier.advance("c1") is False


@pytest.mark.parametrize(
    ("message", "status"), [(b"x" * 2000, "MESSAGE_SIZE_TOO_LARGE"), (b"", "INVALID_TOPIC_MESSAGE")]
)
async def test_what_the_network_will_not_hear_is_parked_and_the_next_goes_on(
    rooms: Rooms, message: bytes, status: str
) -> None:
    """By receipt, and at precheck."""
    refused = await loaded(rooms, "1", "2")
    await tamper(rooms, message)
    later = (await rooms.accept(change(text="3"))).ids
    await rooms.carry("c1")
    assert [await rooms.state(id_) for id_ in refused] == [EntryState.PARKED] * 2
    assert [id_ for id_, reason in rooms.rejected if status in reason] == refused
    assert [event.id for event in await rooms.on_ledger("c1")] == list(later)
    assert await flight_states(rooms) == [(0, "submitted"), (1, "refused"), (1, "submitted")]
    parked = await rooms.database.read(lambda c: outbox.status(c, refused[0]))
    assert parked is not None
    assert status in str(parked.reason)


async def test_a_fee_limit_too_low_stops_and_loses_nothing(rooms: Rooms) -> None:
    ids = await loaded(rooms)
    with pytest.raises(Rejected) as caught:
        await replace(rooms.carrier, max_fee_tinybar=1).advance("c1")
    assert caught.value.status == "INSUFFICIENT_TX_FEE"
    assert [await rooms.state(id_) for id_ in ids] == [EntryState.FLYING]
    await rooms.carry("c1")
    assert [event.id for event in await rooms.on_ledger("c1")] == ids


async def test_a_topic_that_takes_nothing_from_us_stops_and_keeps_the_flight(rooms: Rooms) -> None:
    """The refusal stands in the receipt: the id is spent, the flight stays open under another."""
    ids = await loaded(rooms)
    account = rooms.terms.devnet.create_account()
    async with client_of(rooms.terms.devnet, account=account) as stranger:
        foreign = await stranger.topic()

    def move(connection: Connection) -> None:
        connection.execute(update(flights_table).where(flights_table.c.state == "open").values(topic_id=str(foreign)))
        connection.execute(update(topics).values(topic_id=str(foreign)))

    await rooms.database.write(move)
    for _ in range(2):
        with pytest.raises(Rejected) as caught:
            await rooms.carrier.advance("c1")
        assert caught.value.status == "INVALID_SIGNATURE"
    assert [await rooms.state(id_) for id_ in ids] == [EntryState.FLYING]
    newest = await rooms.database.read(lambda c: flights.newest(c, ["c1"]))
    assert newest["c1"].state is FlightState.OPEN
    spent = select(transactions.c.status).where(transactions.c.state == "spent")
    assert await rooms.database.read(lambda c: c.execute(spent).scalars().all()) == ["INVALID_SIGNATURE"] * 2


async def test_a_later_chunk_is_never_dropped(rooms: Rooms) -> None:
    """Half of it is on the ledger, so a fault of content is an operator's too."""
    ids = await loaded(rooms, "x" * 3_000)
    with pytest.raises(Killed):
        await under(Axe(4, after=True), rooms).advance("c1")  # a look; chunk 1: submit, receipt, settled
    await tamper(rooms, b"x" * 2000)
    with pytest.raises(Rejected) as caught:
        await rooms.carrier.advance("c1")
    assert caught.value.status == "MESSAGE_SIZE_TOO_LARGE"
    assert [await rooms.state(id_) for id_ in ids] == [EntryState.FLYING]
    assert (await flight_states(rooms))[-1] == (1, FlightState.OPEN)


async def test_a_manifest_that_is_refused_is_not_made_again_and_again(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", None)
    with pytest.raises(Killed):
        await under(Axe(6, after=True), rooms).advance(
            "c1"
        )  # a look; the topic: intent, create, receipt, made; manifest
    await tamper(rooms, b"x" * 2000)
    with pytest.raises(Rejected):
        await rooms.carrier.advance("c1")
    assert await flight_states(rooms) == [(0, FlightState.OPEN)]


async def test_nothing_readable_leaves(rooms: Rooms) -> None:
    await rooms.ingest.accept(
        [change("canary-campaign", text="canary of the payload", user_id="canary-user")], Request("k")
    )
    await rooms.carry("canary-campaign")
    for message in await rooms.mirror.messages(await rooms.topic("canary-campaign"), after=0):
        assert b"canary" not in message.message
