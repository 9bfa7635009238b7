"""Protobuf says what JSON says: the same commands, the same replies, as the public client's schema has them."""

from __future__ import annotations

import base64
import contextlib
import json
import math
from collections.abc import Mapping
from functools import reduce
from typing import Any

import pytest
from centrifuge.codecs import _ProtobufCodec, _varint_decode, _varint_encode
from centrifuge.protocol import client_pb2
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.realtime import answers, codes, commands, protobuf, replies
from bridge.protocol.realtime.commands import Command, MalformedFrame, TooManyCommands
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.protobuf import decode_frame, decode_posted, encode
from bridge.protocol.realtime.recovery import Publication, Since, StreamPosition
from bridge.protocol.realtime.steps import Joined
from tests.bridge.protocol.realtime.any_commands import BODIES, COMMANDS, TEXT

LIMITS = SessionLimits()
TOP = StreamPosition(7, "e")
ROW = Publication(7, b'{"n":1}')
JOINED = answers.subscribe_result(
    Since(3, "e"), Joined(TOP, (ROW,), {"open": ["a"], "rejected": []}), LIMITS, max_bytes=99
)
ID = b"\x08\x01"


def one(command: bytes) -> bytes:
    """A frame of one command."""
    frame: bytes = _varint_encode(len(command)) + command
    return frame


def field(number: int, body: bytes) -> bytes:
    """A field of a message, as it is encoded."""
    tag: bytes = _varint_encode(number << 3 | 2)
    return tag + one(body)


def frame(*several: Mapping[str, Any]) -> bytes:
    """As the Python client writes it."""
    written: bytes = _ProtobufCodec.encode_commands(several)
    return written


def heard(wire: bytes) -> list[Any]:
    """The messages of a frame."""
    found = []
    while wire:
        size, at = _varint_decode(wire, 0)
        found.append(client_pb2.Reply.FromString(wire[at : at + size]))
        wire = wire[at + size :]
    return found


def meant(line: bytes) -> Any:
    """The message that one line of JSON stands for, by the library's own mapping."""
    return ParseDict(_in_bytes(json.loads(line)), client_pb2.Reply(), ignore_unknown_fields=True)


def _in_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    text = {name: json.dumps(each, separators=(",", ":")).encode() for name, each in value.items() if name == "data"}
    return {
        name: base64.b64encode(text[name]).decode() if name in text else _in_bytes(each) for name, each in value.items()
    }


def test_every_command_of_the_protocol_is_drawn() -> None:
    assert {*BODIES, "send", "id"} == set(commands.Wire.__struct_fields__)


@given(st.lists(COMMANDS, min_size=1, max_size=4))
def test_the_same_commands_as_in_json(several: list[dict[str, Any]]) -> None:
    lines = "\n".join(json.dumps(each) for each in several)
    assert decode_frame(frame(*several), most=math.inf) == commands.decode_frame(lines)


def test_filters_and_other_kinds_of_subscriptions_are_seen() -> None:
    [filtered] = decode_frame(frame({"id": 1, "subscribe": {"channel": "user:7", "tf": {"key": "a"}}}), most=9)
    assert isinstance(filtered.body, commands.Subscribe)
    assert filtered.body.tf is not None
    [other] = decode_frame(one(ID + field(5, field(1, b"user:7") + b"\x78\x01")), most=9)  # an int32, number 15
    assert other == Command(1, commands.Subscribe("user:7", type=1))


def test_a_method_that_is_not_known_yet() -> None:
    assert decode_frame(one(ID + field(99, b"")), most=9) == [Command(1, commands.Unknown())]


DEEP = reduce(lambda inner, _: field(client_pb2.FilterNode.NODES_FIELD_NUMBER, inner), range(200), b"")


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        b"\x01",
        b"\x00\x01",
        b"\x80",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x02\xff\xff",
        one(field(4, b"")),  # connect without an id
        one(field(99, b"")),  # an unknown method without one
        one(ID + field(11, b"")) + b"\x01",  # cut short behind the first
        frame({"id": 1, "connect": {}, "rpc": {}}),
        frame({"id": 1, "subscribe": {"channel": "user:7", "offset": 2**63}}),
        frame({"id": 1, "subscribe": {"channel": "user:7", "flag": 2**31}}),
        frame({"id": 1, "ping": {}})[:-1],
        one(ID + field(4, field(1, b"\xff"))),  # a token that is no text
        one(ID + field(5, field(1, b"user:7") + field(13, DEEP))),  # deeper than anybody asks
        one(ID + field(5, field(1, b"user:7") + field(15, b"x"))),  # a kind that is no number
        b'{"id":1,"connect":{}}',
    ],
)
def test_malformed(malformed: bytes) -> None:
    with pytest.raises(MalformedFrame) as caught:
        decode_frame(malformed, most=9)
    assert len(str(caught.value)) < 60


@given(
    st.binary() | st.lists(st.binary(max_size=9)).map(lambda rows: b"".join(bytes([len(row)]) + row for row in rows))
)
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    with contextlib.suppress(MalformedFrame):
        assert decode_frame(text, most=math.inf)
    with contextlib.suppress(MalformedFrame):
        decode_posted(text)


@given(st.lists(COMMANDS, min_size=1, max_size=3), st.data())
def test_a_frame_that_is_cut_is_never_more_than_whole_commands(several: list[dict[str, Any]], data: Any) -> None:
    whole = frame(*several)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with contextlib.suppress(MalformedFrame):
        read = decode_frame(cut, most=9)
        assert read == decode_frame(whole, most=9)[: len(read)]


def test_more_commands_than_may_be_are_not_read() -> None:
    assert len(decode_frame(bytes(9), most=9)) == 9
    with pytest.raises(TooManyCommands):
        decode_frame(bytes(9) + b"\xff", most=9)


def test_what_is_posted() -> None:
    posted = client_pb2.EmulationRequest(session="s", node="n", data=b"\x00").SerializeToString()
    assert decode_posted(posted) == ("s", b"\x00")


PUSHES = [
    replies.publication_push("user:7", ROW.data, offset=7),
    replies.publication_push("user:7", ROW.data, offset=None),
    replies.subscribe_push("user:7", {"recoverable": True, "positioned": True, "epoch": "e", "offset": 7, "data": {}}),
    replies.unsubscribe_push("user:7", codes.UNSUBSCRIBED_EXPIRED),
    replies.join_push("user:7", "c", "7"),
    replies.leave_push("user:7", "c", "7"),
    replies.message_push(b'{"n":1}'),
    replies.disconnect_push(codes.SHUTDOWN),
]
REPLIES = [
    replies.PING,
    replies.error_reply(5, codes.INTERNAL),
    replies.reply(
        1, "connect", answers.connect_result("c", LIMITS, ttl_ms=9000, subs={"user:7": JOINED, "user:8": {}})
    ),
    replies.reply(1, "connect", {"client": "c", "version": "v", "session": "s", "node": ""}),
    replies.reply(1, "refresh", answers.refresh_result("c", ttl_ms=9000)),
    replies.reply(2, "subscribe", {**JOINED, **answers.expiry(9000)}),
    replies.reply(2, "sub_refresh", answers.expiry(9000)),
    replies.reply(3, "unsubscribe", {}),
    replies.reply(4, "history", {"publications": replies.publications([ROW, ROW]), "epoch": "e", "offset": 7}),
    replies.reply(4, "presence", {"presence": {"c": replies.client_info("c", "7")}}),
    replies.reply(4, "presence_stats", {"num_clients": 2, "num_users": 1}),
    replies.reply(4, "ping", {}),
]


def test_the_same_replies_and_pushes_as_in_json() -> None:
    wire = encode(replies.SEPARATOR.join([*REPLIES, *PUSHES]))
    for line, message in zip([*REPLIES, *PUSHES], heard(wire), strict=True):
        assert message == meant(line)
    names = {name for line in REPLIES for name in json.loads(line)} - {"id"}
    assert names == {field.name for field in client_pb2.Reply.DESCRIPTOR.fields} - {"id", "push", "publish", "rpc"}


def test_a_gap_is_told_in_a_reply_that_has_the_place_for_it() -> None:
    [reply] = heard(encode(replies.reply(2, "subscribe", {"was_recovering": True, "recovered": False, "offset": 7})))
    assert (reply.subscribe.was_recovering, reply.subscribe.recovered, reply.subscribe.offset) == (True, False, 7)


def test_a_ping_is_an_empty_message() -> None:
    assert encode(replies.PING) == b"\x00"
    assert decode_frame(b"\x00", most=1) == [Command(0, commands.Pong())]


@given(
    TEXT, st.sampled_from([b'{"a" : 1.50, "\\u00e9":"\xc3\xa9"}', b"[]", b"null"]), st.none() | st.integers(1, 2**53)
)
def test_data_is_the_publications_own_bytes(channel: str, data: bytes, offset: int | None) -> None:
    [message] = heard(encode(replies.publication_push(channel, data, offset=offset)))
    assert (message.push.channel, message.push.pub.data, message.push.pub.offset) == (channel, data, offset or 0)


@given(st.integers(0, 2**35 - 1))
def test_lengths(size: int) -> None:
    written = protobuf._varint(size)
    assert written == _varint_encode(size)
    assert protobuf._length(written + b"\x01", 0) == (size, len(written))
