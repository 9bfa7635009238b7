"""Replies and pushes are one line of JSON each, in the shape that the public clients read."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.realtime import codes, replies
from bridge.protocol.realtime.recovery import Publication


def test_replies() -> None:
    assert json.loads(replies.reply(4, "connect", {"client": "c"})) == {"id": 4, "connect": {"client": "c"}}
    assert json.loads(replies.error_reply(5, codes.TOKEN_EXPIRED)) == {
        "id": 5,
        "error": {"code": 109, "message": "token expired"},
    }
    assert json.loads(replies.error_reply(6, codes.INTERNAL))["error"]["temporary"] is True
    rows = replies.publications([Publication(7, b'{"a":1}')])
    assert json.loads(replies.reply(1, "history", {"publications": rows})) == {
        "id": 1,
        "history": {"publications": [{"data": {"a": 1}, "offset": 7}]},
    }


@given(channel=st.text(max_size=20), data=st.dictionaries(st.text(), st.integers() | st.text()), offset=st.integers(1))
def test_pushes(channel: str, data: dict[str, object], offset: int) -> None:
    body = json.dumps(data).encode()
    confirmed = replies.publication_push(channel, body, offset=offset)
    assert b"\n" not in confirmed
    assert json.loads(confirmed) == {"push": {"channel": channel, "pub": {"data": data, "offset": offset}}}
    provisional = replies.publication_push(channel, body, offset=None)
    assert json.loads(provisional) == {"push": {"channel": channel, "pub": {"data": data}}}


def test_unsubscribe_push() -> None:
    assert json.loads(replies.unsubscribe_push("user:7", codes.UNSUBSCRIBED_BY_SERVER)) == {
        "push": {"channel": "user:7", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}
    }


def test_other_pushes() -> None:
    info = {"info": {"client": "c", "user": "7"}}
    reason = {"code": 3503, "reason": "force disconnect", "reconnect": False}
    for push, content in [
        (replies.join_push("user:7", "c", "7"), {"channel": "user:7", "join": info}),
        (replies.leave_push("user:7", "c", "7"), {"channel": "user:7", "leave": info}),
        (replies.subscribe_push("user:7", {"offset": 4}), {"channel": "user:7", "subscribe": {"offset": 4}}),
        (replies.message_push(b'{"n":1}'), {"message": {"data": {"n": 1}}}),
        (replies.disconnect_push(codes.FORCE_DISCONNECT), {"disconnect": reason}),
    ]:
        assert json.loads(push) == {"push": content}
