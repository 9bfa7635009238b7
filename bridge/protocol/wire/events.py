"""One event as CBOR: small integer labels, coded names, and an id that is a UUIDv7."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol.channels import is_id
from bridge.protocol.values import EVENT_ID_BYTES, Event
from bridge.protocol.wire import cbor
from bridge.protocol.wire.cbor import CborInvalid
from bridge.protocol.wire.control import Control, control_code, decode_control, encode_control
from bridge.protocol.wire.dictionary import FIRST_CONTROL_CODE, decode_data, encode_data, event_code, event_name

ID, TYPE, TIME, AUDIENCE, DATA = 1, 2, 3, 4, 5  # labels of the event map
MAX_TIME_MS = 253_402_300_799_999  # the last millisecond of the year 9999
MAX_USER_ID_CHARS = 255

_UUID_RANDOM_BYTES = 10


@dataclass(frozen=True, slots=True)
class Coded:
    """An event or a control message in CBOR, as it stands in a frame.

    One with an `audience` stands there under that user's seal.
    """

    cbor: bytes
    audience: str | None = None


def code_event(event: Event | Control) -> Coded:
    """The CBOR of an event. Raises CborInvalid for data that CBOR can't carry."""
    return Coded(cbor.encode(encode_event(event)), None if isinstance(event, Control) else event.audience)


def uuid7(time_ms: int, randomness: bytes) -> bytes:
    """A UUIDv7 (RFC 9562 §5.7) of this time and 10 random bytes, of which 74 bits are used."""
    if len(randomness) != _UUID_RANDOM_BYTES:
        raise ValueError(f"a UUIDv7 takes {_UUID_RANDOM_BYTES} random bytes, not {len(randomness)}")
    random = int.from_bytes(randomness) >> 6
    value = time_ms << 80 | 0x7 << 76 | random >> 62 << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return value.to_bytes(EVENT_ID_BYTES)


def uuid7_ms(id: bytes) -> int:  # noqa: A002 # the RFC's word
    """The time in a UUIDv7: an event's acceptance, in ms since 1970."""
    return int.from_bytes(id[:6])


def encode_event(event: Event | Control) -> dict[int, object]:
    """The map that stands for an event in a frame; the audience label is there exactly when the audience is a user."""
    if isinstance(event, Control):
        body = {TYPE: control_code(event.body), DATA: encode_control(event.body)}
        return {ID: event.id, TIME: event.time_ms, **body}
    coded: dict[int, object] = {
        ID: event.id,
        TYPE: event_code(event.type),
        TIME: event.time_ms,
        DATA: encode_data(event.type, event.data),
    }
    if event.audience is not None:
        coded[AUDIENCE] = event.audience
    return coded


def decode_event(coded: object, *, sealed_for_user: bool) -> Event | Control:
    """The way back. Raises CborInvalid for anything that `encode_event` would not have written.

    An event for a user is only ever found inside that user's seal, and only such an event is.
    """
    labels = {ID, TYPE, TIME, DATA} | ({AUDIENCE} if sealed_for_user else set())
    if not isinstance(coded, dict) or coded.keys() != labels:
        raise CborInvalid("an event that does not have exactly its labels")
    event_id, time_ms, code = _event_id(coded[ID]), _time_ms(coded[TIME]), coded[TYPE]
    if type(code) is int and code >= FIRST_CONTROL_CODE:
        if sealed_for_user:
            raise CborInvalid("a control message inside a user's seal")
        return Control(event_id, time_ms, decode_control(code, coded[DATA]))
    name = event_name(code)
    audience = _audience(coded[AUDIENCE]) if sealed_for_user else None
    return Event(event_id, name, time_ms, audience, decode_data(name, coded[DATA]))


def _event_id(value: object) -> bytes:
    if not isinstance(value, bytes) or len(value) != EVENT_ID_BYTES or value[6] >> 4 != 7 or value[8] >> 6 != 0b10:
        raise CborInvalid("an event id that is not a UUIDv7")
    return value


def _time_ms(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_TIME_MS:
        raise CborInvalid("an event time that is not milliseconds of these millennia")
    return value


def _audience(value: object) -> str:
    if not isinstance(value, str) or not is_id(value, max_chars=MAX_USER_ID_CHARS):
        raise CborInvalid("an audience that is not a user's id")
    return value
