"""What strangers' bytes reach first, each as a function that takes any: only the errors that it names may come out."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.gateway.auth import Authenticator
from bridge.gateway.carriers import client_address, offered
from bridge.gateway.settings import Issuer, TokenSettings
from bridge.gateway.tokens.claims import TokenError
from bridge.protocol.channels import Channel
from bridge.protocol.door.strict_json import JsonInvalid, parse
from bridge.protocol.realtime import commands, protobuf, steps
from bridge.protocol.realtime.event_stream import EventStream
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.recovery import Publication, StreamPosition
from bridge.protocol.realtime.said import parse_place
from bridge.protocol.realtime.session import Session

NOW_MS = 1_800_000_000_000
SECRET = b"a secret of 32 bytes for testing"
FRAMES_APART = b"\x1e"
LIMITS = SessionLimits(max_channels=4, max_commands_per_s=20)
CHANNEL = "campaign:1"

AUTHENTICATOR = Authenticator(TokenSettings((Issuer("development", "HS256", {"": SECRET}),)))
TOP = StreamPosition(9, "e")
ROWS = (Publication(8, b"{}"), Publication(9, b'{"a":1}'))


@dataclass(frozen=True, slots=True)
class Target:
    """`seeds` are what it takes gladly: mutants of these go deepest. `share`: of all inputs, in parts."""

    take: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    share: int = 1


def frame(data: bytes) -> None:
    """A frame from a socket: text, as JSON, and bytes, as Protobuf."""
    with contextlib.suppress(commands.MalformedFrame, commands.TooManyCommands):
        assert commands.decode_frame(data.decode(errors="replace"), most=100)
    with contextlib.suppress(commands.MalformedFrame, commands.TooManyCommands):
        assert protobuf.decode_frame(data, most=100)


def session(data: bytes) -> None:
    """Frames of one client, one after the other: nothing follows its end, and what it holds is bounded."""
    client, closed = Session("c", LIMITS, now_ms=NOW_MS), False
    for number, text in enumerate(data.split(FRAMES_APART)):
        todo = client.receive(text.decode(errors="replace"), now_ms=NOW_MS + number)
        while todo:
            action = todo.pop(0)
            assert not closed, "something came behind the end"
            closed = isinstance(action, steps.Close)
            if (outcome := _outcome(action)) is not None:
                todo += client.feed(outcome, now_ms=NOW_MS + number)
        assert len(tuple(client.channels)) <= LIMITS.max_channels
        assert client.busy is False


def _outcome(action: steps.Action) -> steps.Input | None:
    """As it would be if all went well."""
    match action:
        case steps.Authenticate(token):
            return steps.Authenticated("7", NOW_MS + 60_000, ("user:7",)) if token else steps.Anonymous()
        case steps.Authorize(channel, token):
            return steps.Denied() if channel.endswith("9") else steps.Allowed(NOW_MS + 60_000 if token else None)
        case steps.Join():
            return steps.Joined(TOP, ROWS, {"open": []})
        case steps.ReadHistory():
            return steps.HistoryRead(TOP, ROWS)
        case steps.ReadPresence():
            return steps.Present({"c": "7"}, 1, 1)
        case steps.Review(channels):
            return steps.Revoked(channels[0]) if channels else None
    return None


def token(data: bytes) -> None:
    """A token as it comes; and one that is well signed, around any claims."""
    text = data.decode(errors="surrogateescape")
    for each in (text, signed(data)):
        for check in (
            AUTHENTICATOR.check(each, now_ms=NOW_MS),
            AUTHENTICATOR.check_subscription(each, CHANNEL, user="7", now_ms=NOW_MS),
        ):
            with contextlib.suppress(TokenError):
                assert at_once(check).expires_ms > NOW_MS - 10_000


def at_once(check: Coroutine[Any, Any, Any]) -> Any:
    """What comes of it, where there is nothing to wait for."""
    try:
        check.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waits")


def signed(claims: bytes, head: bytes = b'{"alg":"HS256"}') -> str:
    """A token of our issuer's around `claims`, which may be anything."""
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (head, claims))
    signature = base64.urlsafe_b64encode(hmac.digest(SECRET, text, hashlib.sha256)).rstrip(b"=")
    return (text + b"." + signature).decode()


def request(data: bytes) -> None:
    """What a request brings beside its body: headers, a query, a channel, a place in it."""
    lines = data.decode(errors="surrogateescape").split("\n")
    texts = dict(enumerate(lines))
    names = ("Authorization", "Cookie", "Sec-WebSocket-Protocol", "Origin", "Sec-Fetch-Site")
    headers = {name: [texts[number]] for number, name in enumerate(names) if number in texts}
    offered(lambda name: headers.get(name, []), lines[-1], origins=("https://a",), cookie="t", query_token=True)
    client_address("10.0.0.1", lines, [])
    for text in lines:
        with contextlib.suppress(ValueError):
            str(Channel.parse(text))
        with contextlib.suppress(ValueError):
            stream = EventStream(CHANNEL, parse_place(text))
            assert commands.decode_frame(stream.connect())
            assert commands.decode_frame(stream.subscribe())


def body(data: bytes) -> None:
    """A request's body, at the door for backends."""
    with contextlib.suppress(JsonInvalid):
        json.dumps(parse(data))


CLAIMS = {"id": "7", "iat": NOW_MS // 1000 - 9, "exp": NOW_MS // 1000 + 60, "campaigns": ["1"], "role": "user"}
PLACE = b'"recover":true,"offset":9,"epoch":"e"'
CONNECT = b'{"id":1,"connect":{"token":"t","subs":{"user:7":{%s}},"headers":{"authorization":"Bearer t"}}}' % PLACE
SUBSCRIBE = b'{"id":2,"subscribe":{"channel":"campaign:1",%s,"token":"t","join_leave":true,"flag":1}}' % PLACE
HISTORY = b'{"id":3,"history":{"channel":"campaign:1","limit":-1,"since":{"offset":1,"epoch":"e"},"reverse":true}}'
REST = (
    b'{"id":4,"unsubscribe":{"channel":"campaign:1"}}\n{"id":5,"presence":{"channel":"campaign:1"}}\n{}\n'
    b'{"id":6,"presence_stats":{"channel":"user:7"}}\n{"id":7,"refresh":{"token":"t"}}\n{"id":8,"rpc":{"method":"m"}}\n'
    b'{"id":9,"sub_refresh":{"channel":"campaign:1","token":"t"}}\n{"id":10,"ping":{}}\n{"send":{"data":{}}}'
)
PROTOBUF = bytes.fromhex(
    "07080122030a0174"  # connect
    "1708022a130a0a63616d706169676e3a3118013201653809"  # subscribe
    "1f0803521b0a0a63616d706169676e3a3138ffffffffffffffffff0142020801"  # history
)

TARGETS: Mapping[str, Target] = {
    "frame": Target(frame, (CONNECT, SUBSCRIBE, HISTORY, REST, CONNECT + b"\n" + REST, PROTOBUF), 4),
    "session": Target(
        session, (FRAMES_APART.join((CONNECT, SUBSCRIBE, HISTORY, REST)), CONNECT + b"\n" + SUBSCRIBE), 2
    ),
    "token": Target(
        token,
        (
            json.dumps(CLAIMS).encode(),
            json.dumps(CLAIMS | {"channel": CHANNEL, "jti": "j", "nbf": 1, "aud": ["x"]}).encode(),
            json.dumps(CLAIMS | {"subs": {"user:7": {}}, "channels": ["campaign:2"], "sub": 7}).encode(),
            signed(json.dumps(CLAIMS).encode()).encode(),
        ),
        2,
    ),
    "request": Target(
        request,
        (
            b"Bearer t\nt=a; t=a\nbearer, t\nhttps://a\nsame-origin\n12@e\naccess_token=a&ticket=b",
            b"10.0.0.1, ::1\nfe80::1%eth0\ncampaign:1\nuser:7\n18446744073709551616@\n0@0.0.1001-abcdef",
        ),
        2,
    ),
    "body": Target(
        body, (b'{"event":"X","data":{"n":[1,2.5,null,true,"\\ud83d\\ude00"]}}', b'[{"a":1},{"a":-1e9}]'), 1
    ),
}
