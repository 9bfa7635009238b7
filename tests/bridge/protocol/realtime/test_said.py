"""What a session says is read back as it was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.realtime import codes, replies
from bridge.protocol.realtime.commands import Subscribe, decode_frame
from bridge.protocol.realtime.recovery import Since
from bridge.protocol.realtime.said import PUSH, command, parse_place, read_said, recovery


def test_pushes_begin_as_they_should() -> None:
    pushes = [
        replies.publication_push("campaign:1", b"{}", offset=1),
        replies.subscribe_push("campaign:1", {"epoch": "e", "offset": 1}),
        replies.unsubscribe_push("campaign:1", codes.UNSUBSCRIBED_BY_SERVER),
        replies.message_push(b"{}"),
        replies.disconnect_push(codes.SHUTDOWN),
    ]
    assert all(push.startswith(PUSH) and read_said(push).push is not None for push in pushes)
    assert not replies.reply(1, "connect", {}).startswith(PUSH)


@pytest.mark.parametrize(
    ("result", "gap"),
    [
        ({}, False),
        ({"was_recovering": True, "recovered": True}, False),
        ({"was_recovering": True, "recovered": False}, True),
    ],
)
def test_a_gap(result: dict[str, object], gap: bool) -> None:
    said = read_said(replies.reply(2, "subscribe", {"epoch": "e", "offset": 7, **result}))
    assert said.subscribe is not None
    assert said.subscribe.gap == gap


def test_a_place_goes_into_a_command() -> None:
    [asked] = decode_frame(command(2, "subscribe", {"channel": "user:7", **recovery(Since(7, "e"))}))
    assert isinstance(asked.body, Subscribe)
    assert (asked.id, asked.body.channel, asked.body.place) == (2, "user:7", Since(7, "e"))
    assert recovery(None) == {}


@given(offset=st.integers(0, 10**18 - 1), epoch=st.text(st.characters(codec="ascii")))
def test_places_are_read_back(offset: int, epoch: str) -> None:
    assert parse_place(f"{offset}@{epoch}") == Since(offset, epoch)
    assert parse_place(str(offset)) == Since(offset, "")


@pytest.mark.parametrize("text", ["", "@e", "x@e", "-1@e", "1" * 19, "\uff11@e"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="a place is"):
        parse_place(text)
