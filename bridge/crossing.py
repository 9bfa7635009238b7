"""Where the corridors meet: what the relay asks the outbox of messages that it is shown, and tells it of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from bridge.errors import ReceiptContradicted
from bridge.keys.at_rest import AtRest
from bridge.protocol.wire.control import Close
from bridge.publish import flown, outbox, pins
from bridge.publish.outbox import Confirmation
from bridge.relay.on_record import Ours, Sent
from bridge.relay.tail import Batch
from bridge.schema import registry
from topics.values import TopicMessage


def recognise(connection: Connection, messages: Sequence[TopicMessage], last_frame: int) -> Ours:
    """Which messages the outbox has on record. Raises ReceiptContradicted."""
    found = pins.recognise(connection, messages, last_frame=last_frame)
    return Ours(found.flights, pinned=not found.unpinned)


def recall(at_rest: AtRest, connection: Connection, flight_id: int) -> Sent:
    """What the outbox has on record of a flight."""
    return Sent(flown.frame_of(connection, flight_id), flown.elements_of(connection, flight_id, at_rest))


def confirm(connection: Connection, batches: Sequence[Batch]) -> list[ReceiptContradicted | None]:
    """Tell the outbox where its events are, once the messages agree with our receipts, and the registry of a close.

    For each batch None, or why nothing of it may be stored: a receipt that came since it was opened says otherwise.
    """
    outcomes: list[ReceiptContradicted | None] = []
    arrived: list[Confirmation] = []
    landed: list[flown.Landing] = []
    for batch in batches:
        try:
            ours = _ours(connection, batch)
            arrived += _arrived(connection, batch, ours)
            landed += _landed(batch, ours)
            outcomes.append(None)
        except ReceiptContradicted as contradiction:
            outcomes.append(contradiction)
    outbox.confirm(connection, arrived)
    flown.landed(connection, landed)
    return outcomes


def _ours(connection: Connection, batch: Batch) -> Mapping[int, int]:
    ours = batch.ours.flights
    if not batch.ours.pinned:  # receipts may have come meanwhile
        ours = pins.pin(connection, batch.messages, last_frame=batch.last_frame)
    return ours


def _landed(batch: Batch, ours: Mapping[int, int]) -> list[flown.Landing]:
    """The frames that weren't opened: what they hold is known by their flights."""
    places = [frame.place for frame in batch.frames if not frame.events]
    return [
        flown.Landing(ours[place.sequence], str(place.topic_id), place.sequence, place.consensus_ns)
        for place in places
        if place.sequence in ours
    ]


def _arrived(connection: Connection, batch: Batch, ours: Mapping[int, int]) -> list[Confirmation]:
    opened = [*batch.events, *(placed for frame in batch.frames for placed in frame.events)]
    events = [(placed.event.id, placed.place) for placed in opened]
    for noted in batch.controls:
        events.append((noted.control.id, noted.place))
        if isinstance(noted.control.body, Close):
            registry.closed(connection, noted.place.topic_id)
    return [
        Confirmation(
            event_id,
            ours.get(place.sequence),
            str(place.topic_id),
            place.sequence,
            place.index,
            place.consensus_ns,
        )
        for event_id, place in events
    ]
