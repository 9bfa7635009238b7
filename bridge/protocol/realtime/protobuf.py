"""The same protocol in Protobuf: commands are read from it, and what the session says in JSON is turned into it.

Source: Centrifugo's client.proto, as centrifuge-python carries it. A frame is one or more messages, each behind its
length as a varint. Fields have the names that they have in JSON; what is any JSON there, such as `data`, are its bytes.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from centrifuge.protocol import client_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from bridge.protocol.realtime.commands import Command, MalformedFrame, TooManyCommands, Wire, command_of
from bridge.protocol.realtime.replies import SEPARATOR

SUBPROTOCOL = "centrifuge-protobuf"
"""By which a client asks for it."""

LENGTH_BYTES = 5  # of a varint up to 2^35, far more than a frame has
SUBSCRIPTION_TYPE = 15
"""The number of a field of subscribe that newer clients have, and this schema hasn't: other kinds of subscriptions."""

Object: TypeAlias = dict[str, msgspec.Raw]

_object = msgspec.json.Decoder(Object).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_scalar = msgspec.json.Decoder().decode


# In


def decode_frame(frame: bytes, *, most: float) -> list[Command]:
    """The commands of a frame, at least one, in order. Raises MalformedFrame, TooManyCommands above `most`; nothing
    of the frame counts then.
    """
    found: list[Command] = []
    at = 0
    while at < len(frame) or not found:
        if len(found) >= most:
            raise TooManyCommands
        size, at = _length(frame, at)
        if at + size > len(frame):
            raise MalformedFrame("a command is cut short")
        found.append(_decode(frame[at : at + size]))
        at += size
    return found


def decode_posted(body: bytes) -> tuple[str, bytes]:
    """The session that commands without a WebSocket are for, and their frame. Raises MalformedFrame."""
    posted = _parse(client_pb2.EmulationRequest(), body)
    return posted.session, posted.data


def _length(frame: bytes, at: int) -> tuple[int, int]:
    """The length that stands at `at`, and where it ends."""
    size = 0
    for place, byte in enumerate(frame[at : at + LENGTH_BYTES]):
        size |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return size, at + place + 1
    raise MalformedFrame("not the length of a command")


def _decode(text: bytes) -> Command:
    command = _parse(client_pb2.Command(), text)
    fields = _plain(command)
    newer: Any = UnknownFieldSet(command.subscribe)  # its types don't say that it can be iterated
    for field in newer:
        if field.field_number == SUBSCRIPTION_TYPE:
            fields["subscribe"]["type"] = field.data
    try:
        wire = msgspec.convert(fields, Wire)
    except msgspec.ValidationError as error:
        raise MalformedFrame("not a command") from error
    return command_of(wire, empty=not text)


def _parse(message: Any, text: bytes) -> Any:
    try:
        message.ParseFromString(text)
    except (DecodeError, RecursionError) as error:  # nested deeper than the library goes, too
        raise MalformedFrame("not a message of the protocol") from error
    return message


def _plain(message: Any) -> dict[str, Any]:
    """A message as JSON's decoder would give it; messages that are absent are left out."""
    present = [field for field in message.DESCRIPTOR.fields if not field.has_presence or message.HasField(field.name)]
    return {field.name: _value(field, getattr(message, field.name)) for field in present}


def _value(field: FieldDescriptor, value: Any) -> Any:
    if _is_map(field):
        return {key: _plain(each) if isinstance(each, Message) else each for key, each in value.items()}
    if field.is_repeated:
        return [_plain(each) if isinstance(each, Message) else each for each in value]
    return _plain(value) if isinstance(value, Message) else value


# Out


def encode(payload: bytes) -> bytes:
    """What the session says, one line of JSON or several, as as many messages."""
    return b"".join([_reply(line) for line in payload.split(SEPARATOR)])


def _reply(line: bytes) -> bytes:
    reply = client_pb2.Reply()
    _fill(reply, _object(line))
    text: bytes = reply.SerializeToString()
    return _varint(len(text)) + text


def _varint(number: int) -> bytes:
    taken = bytearray()
    while number >= 0x80:
        taken.append(number & 0x7F | 0x80)
        number >>= 7
    taken.append(number)
    return bytes(taken)


def _fill(message: Any, fields: Object) -> None:
    """Fields that the schema hasn't are left out: a `subscribe` push doesn't say what was recovered."""
    message.SetInParent()
    known = message.DESCRIPTOR.fields_by_name
    for name, value in fields.items():
        if (field := known.get(name)) is None:
            continue
        if field.type == FieldDescriptor.TYPE_BYTES:
            setattr(message, name, bytes(value))
        elif field.message_type is None:
            setattr(message, name, _scalar(value))
        elif _is_map(field):
            for key, each in _object(value).items():
                _fill(getattr(message, name)[key], _object(each))
        elif field.is_repeated:
            for each in _list(value):
                _fill(getattr(message, name).add(), _object(each))
        else:
            _fill(getattr(message, name), _object(value))


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
