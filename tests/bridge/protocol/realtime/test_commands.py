"""Frames from clients: what the public ones send is read, and anything else is one typed refusal."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.realtime import commands
from bridge.protocol.realtime.commands import Command, MalformedFrame, decode_frame
from bridge.protocol.realtime.recovery import Since


def test_several_commands_in_a_frame() -> None:
    frame = '{"connect":{"token":"t","name":"js"},"id":1}\n{"subscribe":{"channel":"user:7","flag":1},"id":2}\n{}\n'
    assert decode_frame(frame) == [
        Command(1, commands.Connect("t")),
        Command(2, commands.Subscribe("user:7", flag=1)),
        Command(0, commands.Pong()),
    ]


def test_connecting_again_with_places_and_headers() -> None:
    [command] = decode_frame(
        '{"id":1,"connect":{"subs":{"user:7":{"recover":true,"offset":9,"epoch":"e"},"user:8":{}},'
        '"headers":{"Authorization":"Bearer t"},"data":{"a":1},"name":"js","version":"1"}}'
    )
    assert isinstance(command.body, commands.Connect)
    assert {name: asked.place for name, asked in command.body.subs.items()} == {"user:7": Since(9, "e"), "user:8": None}
    assert command.body.bearer == "t"
    assert commands.Connect("other", headers={"Authorization": "Bearer t"}).bearer == "other"


def test_a_filter_is_seen_whatever_it_is() -> None:
    [command] = decode_frame(
        '{"id":1,"subscribe":{"channel":"user:7","tf":{"key":"a","cmp":"eq","val":"b"},"delta":"x"}}'
    )
    assert isinstance(command.body, commands.Subscribe)
    assert command.body.tf is not None


def test_ping_is_asked_for_and_a_pong_is_not() -> None:
    assert decode_frame('{"id":3,"ping":{}}\n{}') == [Command(3, commands.Ping()), Command(0, commands.Pong())]


def test_no_client_can_send_the_servers_own_command() -> None:
    assert decode_frame('{"id":3,"invite":{"channel":"user:7"}}') == [Command(3, commands.Unknown())]


def test_places() -> None:
    [recover, history] = decode_frame(
        '{"id":1,"subscribe":{"channel":"user:7","recover":true,"offset":9,"epoch":"e","data":{"a":[1]}}}\n'
        '{"id":2,"history":{"channel":"user:7","limit":-1,"since":{"offset":3},"reverse":true}}'
    )
    assert isinstance(recover.body, commands.Subscribe)
    assert isinstance(history.body, commands.History)
    assert recover.body.place == Since(9, "e")
    assert history.body.place == Since(3, "")
    assert commands.Subscribe("user:7", offset=9).place is None
    assert commands.History("user:7").place is None


def test_unknown_methods_and_sends() -> None:
    assert decode_frame('{"id":3,"teleport":{}}\n{"send":{"data":1}}') == [
        Command(3, commands.Unknown()),
        Command(0, commands.Asynchronous()),
    ]


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "\n",
        "hello",
        "[]",
        "null",
        '{"id":1}{"id":2}',
        '{"id":"1","connect":{}}',
        '{"id":-1,"connect":{}}',
        '{"id":4294967296,"connect":{}}',
        '{"connect":{}}',
        '{"teleport":{}}',
        '{"id":1,"subscribe":{}}',
        '{"id":1,"subscribe":{"channel":7}}',
        '{"id":1,"subscribe":{"channel":"user:7","offset":9223372036854775808}}',
        '{"id":1,"history":{"channel":"user:7","limit":1e99}}',
        '{"id":1,"connect":{},"rpc":{}}',
        '{"id":1,"connect":{"subs":{"user:7":{"offset":-1}}}}',
        '{"id":1,"connect":{"headers":{"a":1}}}',
        '{"id":1,"x":' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"id":1,"connect":{"data":' + '{"a":' * 5000 + "1" + "}" * 5001 + "}",
        '{"id":1,"x":"\\ud800","connect":{"token":"\\ud800"}}',
    ],
)
def test_malformed(frame: str) -> None:
    with pytest.raises(MalformedFrame) as caught:
        decode_frame(frame)
    assert len(str(caught.value)) < 60


@given(st.text() | st.text(alphabet='{}[]":,0123456789\nidconectsubr ', max_size=80))
def test_any_text_is_read_or_refused(frame: str) -> None:
    with contextlib.suppress(MalformedFrame):
        assert decode_frame(frame)
