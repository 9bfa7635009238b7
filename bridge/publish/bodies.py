"""An event as the outbox keeps it: its CBOR, sealed at rest and bound to its id."""

from __future__ import annotations

from bridge.keys.at_rest import AtRest
from bridge.protocol.values import Event
from bridge.protocol.wire import cbor
from bridge.protocol.wire.control import Control
from bridge.protocol.wire.events import AUDIENCE, Coded, decode_event

LABEL = "entry"


def seal_body(at_rest: AtRest, event_id: bytes, coded: Coded) -> bytes:
    """The sealed body of an event, or of a control message that waits among them."""
    return at_rest.seal(coded.cbor, LABEL, event_id)


def open_body(at_rest: AtRest, event_id: bytes, body: bytes) -> bytes:
    """Its CBOR again. Raises SealBroken for a body that was changed or moved to another row."""
    return at_rest.open(body, LABEL, event_id)


def open_element(at_rest: AtRest, event_id: bytes, body: bytes) -> Event | Control:
    """What it says. Raises as `open_body`."""
    coded = cbor.decode(open_body(at_rest, event_id, body))
    return decode_event(coded, sealed_for_user=isinstance(coded, dict) and AUDIENCE in coded)
