"""What a session says, as server-sent events."""

from __future__ import annotations

import json

from bridge.protocol.realtime import codes, replies
from bridge.protocol.realtime.commands import Subscribe, decode_frame
from bridge.protocol.realtime.event_stream import EventStream, status_of
from bridge.protocol.realtime.recovery import Since

CHANNEL = "campaign:1"


def begun(since: Since | None = None, **result: object) -> tuple[EventStream, bytes]:
    events = EventStream(CHANNEL, since)
    return events, events.encode(replies.reply(2, "subscribe", {"epoch": "e", "offset": 7, **result}))


def test_the_start_names_the_place() -> None:
    events, wire = begun(data={"open": []})
    assert (events.live, wire) == (True, b'event: subscribed\nid: 7@e\ndata: {"open":[]}\n\n')


def test_what_was_missed_follows_the_start_and_a_gap_goes_before_it() -> None:
    missed = [{"data": {"n": 1}, "offset": 8}]
    _, wire = begun(Since(7, "e"), recovered=True, publications=missed)
    assert wire.endswith(b'id: 7@e\ndata: {}\n\nid: 8@e\ndata: {"n":1}\n\n')
    _, wire = begun(Since(9, "other"), was_recovering=True, recovered=False)
    assert wire.startswith(b'event: gap\nid: 7@e\ndata: {"offset":7,"epoch":"e"}\n\nevent: subscribed\n')


def test_pushes() -> None:
    ended: list[bool] = []
    events, _ = begun()
    events.ended = lambda: ended.append(True)
    confirmed = replies.publication_push(CHANNEL, b'{"n":1}', offset=8)
    provisional = replies.publication_push(CHANNEL, b'{"n":2}', offset=None)
    assert events.encode(b"\n".join([confirmed, provisional])) == b'id: 8@e\ndata: {"n":1}\n\ndata: {"n":2}\n\n'
    assert events.encode(replies.PING) == b":\n\n"
    assert events.encode(replies.message_push(b'"hello"')) == b'event: notice\ndata: "hello"\n\n'
    assert events.encode(replies.join_push(CHANNEL, "c", "7")) == b""
    assert events.encode(replies.publication_push("campaign:2", b"{}", offset=1)) == b""
    assert events.encode(replies.disconnect_push(codes.SHUTDOWN)).startswith(b'event: disconnect\ndata: {"code":3001,')
    assert not ended
    unsubscribed = events.encode(replies.unsubscribe_push(CHANNEL, codes.UNSUBSCRIBED_BY_SERVER))
    assert unsubscribed.startswith(b'event: unsubscribe\ndata: {"code":2000,')
    assert ended


def test_a_refusal_is_kept_for_the_answer() -> None:
    events = EventStream(CHANNEL, None)
    assert events.encode(replies.error_reply(2, codes.PERMISSION_DENIED)) == b""
    assert (events.live, events.refusal) == (False, (103, "permission denied"))
    assert (status_of(103), status_of(codes.INVALID_TOKEN.code), status_of(codes.INTERNAL.code)) == (403, 401, 503)


def test_what_it_asks_of_the_session() -> None:
    [command] = decode_frame(EventStream(CHANNEL, Since(7, "e")).subscribe())
    assert isinstance(command.body, Subscribe)
    assert (command.body.channel, command.body.place) == (CHANNEL, Since(7, "e"))
    assert json.loads(EventStream(CHANNEL, None).connect())["connect"] == {"subs": {CHANNEL: {}}}


def test_readers_of_a_channel_share_what_is_made_of_a_publication() -> None:
    (one, _), (other, _) = begun(), begun()
    payload = replies.publication_push(CHANNEL, b'{"n":3}', offset=9)
    assert one.encode(payload) == b'id: 9@e\ndata: {"n":3}\n\n'
    assert other.encode(payload) is one.encode(payload)
    assert begun(epoch="f")[0].encode(payload).startswith(b"id: 9@f")
