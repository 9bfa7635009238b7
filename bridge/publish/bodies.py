"""An event as the outbox keeps it: its CBOR, sealed at rest and bound to its id."""

from __future__ import annotations

from bridge.keys.at_rest import AtRest
from bridge.protocol.values import Event
from bridge.protocol.wire import cbor
from bridge.protocol.wire.control import Control
from bridge.protocol.wire.events import AUDIENCE, decode_event, encode_event

LABEL = "entry"


def seal_event(at_rest: AtRest, event: Event) -> bytes:
    """The sealed body."""
    return at_rest.seal(cbor.encode(encode_event(event)), LABEL, event.id)


def open_event(at_rest: AtRest, event_id: bytes, body: bytes) -> Event:
    """The way back. Raises SealBroken for a body that was changed or moved to another row."""
    coded = cbor.decode(at_rest.open(body, LABEL, event_id))
    event = decode_event(coded, sealed_for_user=isinstance(coded, dict) and AUDIENCE in coded)
    if isinstance(event, Control):
        raise TypeError("a control message is kept under a kind of its own")
    return event
