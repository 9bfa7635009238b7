"""What a session says, as single JSON messages."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.realtime import codes, replies
from bridge.protocol.realtime.commands import Connect, decode_frame
from bridge.protocol.realtime.plain import Message, PlainStream, parse_places
from bridge.protocol.realtime.recovery import Since

USER, CAMPAIGN = "user:7", "campaign:1"
PING = b"<ping>"


def framing(message: Message) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def messages(wire: bytes) -> list[Any]:
    return [json.loads(line) for line in wire.splitlines()]


def plain(*since: str, most: int = 3) -> PlainStream:
    return PlainStream(since, framing, ping=PING, most=most)


def subscribed(offset: int, epoch: str, **more: object) -> dict[str, object]:
    return {"epoch": epoch, "offset": offset, "data": {"open": [], "rejected": []}, **more}


def begun(**subs: dict[str, object]) -> tuple[PlainStream, list[Any]]:
    stream = plain()
    channels = {USER: subs.get("user"), CAMPAIGN: subs.get("campaign")}
    result = {channel: sub for channel, sub in channels.items() if sub is not None}
    return stream, messages(stream.encode(replies.reply(1, "connect", {"client": "c", "subs": result})))


def test_places_go_into_the_one_command() -> None:
    [command] = decode_frame(plain("user:7/3@g,campaign:1/2000@0.0.7-ab").connect())
    assert isinstance(command.body, Connect)
    assert {channel: asked.place for channel, asked in command.body.subs.items()} == {
        USER: Since(3, "g"),
        CAMPAIGN: Since(2000, "0.0.7-ab"),
    }


def test_each_channel_begins_with_its_place() -> None:
    _, told = begun(user=subscribed(3, "g"), campaign=subscribed(2000, "t"))
    assert [(each["event"], each["meta"]) for each in told] == [
        ("SUBSCRIBED", {"channel": USER, "place": "user:7/3@g"}),
        ("SUBSCRIBED", {"channel": CAMPAIGN, "place": "campaign:1/2000@t"}),
    ]
    assert told[0]["data"] == {"type": "SYSTEM", "payload": {"open": [], "rejected": []}}
    assert told[0]["encrypted"] is False


def test_what_was_missed_follows_and_a_gap_goes_before() -> None:
    missed = [{"data": {"event": "X", "meta": {"id": "1"}}, "offset": 4}]
    _, told = begun(user=subscribed(3, "g", was_recovering=True, recovered=True, publications=missed))
    assert [each["event"] for each in told] == ["SUBSCRIBED", "X"]
    assert told[1]["meta"] == {"id": "1", "channel": USER, "place": "user:7/4@g"}
    _, told = begun(user=subscribed(9, "g", was_recovering=True, recovered=False))
    assert [(each["event"], each["meta"]["place"]) for each in told] == [
        ("GAP", "user:7/9@g"),
        ("SUBSCRIBED", "user:7/9@g"),
    ]


def test_publications_say_where_the_client_is_and_provisional_ones_dont() -> None:
    stream, _ = begun(user=subscribed(3, "g"), campaign=subscribed(2000, "t"))
    data = b'{"event":"X","data":{"n":12345678901234567890},"meta":{"id":"1"}}'
    lines = [
        replies.publication_push(CAMPAIGN, data, offset=3000),
        replies.publication_push(USER, data, offset=None),
        replies.publication_push(USER, b'{"event":"Y"}', offset=4),
    ]
    first, second, third = messages(stream.encode(b"\n".join(lines)))
    assert first["meta"] == {"id": "1", "channel": CAMPAIGN, "place": "campaign:1/3000@t"}
    assert first["data"] == {"n": 12345678901234567890}
    assert second["meta"] == {"id": "1", "channel": USER}
    assert third == {"event": "Y", "meta": {"channel": USER, "place": "user:7/4@g"}}


def test_a_publication_is_made_once_for_all() -> None:
    made: list[Message] = []

    def counting(message: Message) -> bytes:
        made.append(message)
        return framing(message)

    streams = [PlainStream((), counting, ping=PING, most=3) for _ in range(5)]
    payload = replies.publication_push(USER, b'{"event":"only once"}', offset=None)
    assert len({stream.encode(payload) for stream in streams}) == 1
    assert len(made) == 1


def test_what_the_server_says_by_itself() -> None:
    stream, _ = begun(user=subscribed(3, "g"))
    assert stream.encode(replies.PING) == PING
    [told] = messages(stream.encode(replies.unsubscribe_push(USER, codes.UNSUBSCRIBED_BY_SERVER)))
    assert (told["event"], told["data"]["payload"]["code"], told["meta"]) == ("UNSUBSCRIBED", 2000, {"channel": USER})
    [told] = messages(stream.encode(replies.message_push(b'"hello"')))
    assert (told["event"], told["data"]["payload"]) == ("NOTICE", "hello")
    [told] = messages(stream.encode(replies.subscribe_push(CAMPAIGN, subscribed(2000, "t"))))
    assert (told["event"], told["meta"]["place"]) == ("SUBSCRIBED", "campaign:1/2000@t")
    assert stream.encode(replies.join_push(USER, "c", "7")) == b""
    assert stream.encode(replies.disconnect_push(codes.SHUTDOWN)) == b""


@pytest.mark.parametrize(
    ("error", "code"), [(codes.UNAUTHORIZED, codes.INVALID_TOKEN), (codes.INTERNAL, codes.SERVER_ERROR)]
)
def test_an_error_becomes_a_close_code(error: codes.ErrorCode, code: codes.DisconnectCode) -> None:
    stream = plain()
    assert stream.encode(replies.error_reply(1, error)) == b""
    assert stream.refusal == code


@pytest.mark.parametrize("since", ["x", "user:7", "user:7/", "user:7/x@g", "a/1,b", "a/1,b/1,c/1,d/1"])
def test_what_is_no_place_is_told_in_the_close_code(since: str) -> None:
    refusal = plain(since).refusal
    assert refusal is not None
    assert refusal.code == codes.BAD_FRAME.code
    assert len(refusal.reason.encode()) < 124


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_since_is_answered(since: list[str]) -> None:
    stream = plain(*since)
    assert stream.refusal is not None or decode_frame(stream.connect())


def test_several_parameters_or_none() -> None:
    assert parse_places([]) == parse_places([""]) == {}
    assert parse_places(["user:7/3@g", "campaign:1/2000,"]) == {USER: Since(3, "g"), CAMPAIGN: Since(2000, "")}
