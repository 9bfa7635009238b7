"""The public realtime clients, npm centrifuge and PyPI centrifuge-python, unchanged, against a running gateway."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from centrifuge import Client, ClientEventHandler, StreamPosition, Subscription, SubscriptionEventHandler
from centrifuge.exceptions import ReplyError

from bridge.gateway.server import PATH
from tests.bridge.gateway.gateway_fixture import Running, running_gateway, until
from tests.integration.cuttable import Cuttable

SCRIPTS = Path(__file__).parent / "js"
CAMPAIGN = "campaign:1"
DEADLINE_S = 60


class Stage:
    """A gateway behind a relay that can be cut, and what the clients' scripts may ask of it."""

    def __init__(self, gateway: Running, relay: Cuttable) -> None:
        self.gateway = gateway
        self.relay = relay
        self.url = f"ws://127.0.0.1:{relay.port}{PATH}"

    def do(self, action: str, *arguments: Any) -> Any:
        match action, arguments:
            case "token", (lives_s,):
                return self.gateway.token(lives_s=lives_s)
            case "confirm", (channel, offset, n):
                self.gateway.publisher.confirm(channel, offset, n=n)
            case "provisional", (channel, n):
                self.gateway.publisher.provisional(channel, n=n)
            case "cut", ():
                self.relay.cut()
            case "mend", ():
                self.relay.mend()
            case "new epoch", ():
                self.gateway.history.epoch = "0.0.1002-000000"
        return None


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with (
        running_gateway(ping_interval_s=1, expired_grace_s=1) as gateway,
        Cuttable(gateway.server.port) as relay,
    ):
        yield Stage(gateway, relay)


async def run_conformance(stage: Stage) -> dict[str, Any]:
    """Run the Node script, doing what it asks for, and return what it saw."""
    node = shutil.which("node")
    if node is None or not (SCRIPTS / "node_modules").is_dir():
        pytest.fail("Node and its test clients are needed: `make test` installs them")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        node, "conformance.mjs", json.dumps({"url": stage.url}), cwd=SCRIPTS, stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(DEADLINE_S):
            while line := await process.stdout.readline():
                asked = json.loads(line)
                if isinstance(asked, dict):
                    result: dict[str, Any] = asked["result"]
                    return result
                process.stdin.write(json.dumps(stage.do(*asked)).encode() + b"\n")
            raise AssertionError((await process.stderr.read()).decode())
    finally:
        process.stdin.close()
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_npm_centrifuge(stage: Stage) -> None:
    saw = await run_conformance(stage)
    assert saw["recovery"]["got"] == [[1000, 1], [2000, 2], [None, 3], [3000, 3], [4000, 4], [5000, 5]]
    first, again, foreign = saw["recovery"]["seen"]
    assert (first["recoverable"], first["positioned"], first["offset"], first["wasRecovering"]) == (
        True,
        True,
        0,
        False,
    )
    assert first["data"] == {"open": [], "rejected": []}
    assert (again["wasRecovering"], again["recovered"], again["offset"]) == (True, True, 2000)
    assert (foreign["wasRecovering"], foreign["recovered"], foreign["offset"]) == (True, False, 5000)
    channels = saw["channels"]
    assert (channels["foreign"], channels["unknown"]) == ([{"unsubscribed": 103}], [{"unsubscribed": 102}])
    assert (channels["top"], channels["page"], channels["last"]) == ([5000, 0], [2000, 3000], [5000])
    assert channels["errors"] == {"history": 112, "publish": 103, "presence": 108, "presenceStats": 108, "rpc": 108}
    assert (channels["again"], channels["got"]) == (True, [[6000, 6]])
    tokens = saw["tokens"]
    assert ["error", 109] in tokens["expired"]
    assert tokens["expired"][-2][0] == "connected"
    assert tokens["stayed"] == [["connecting", 0], ["connected", None]]
    assert tokens["forged"][-1] == ["disconnected", 3500]


# PyPI centrifuge-python


class Events(ClientEventHandler):  # type: ignore[misc]  # the package has no types
    """Notes what happens to a client."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int | None]] = []

    async def on_connected(self, context: Any) -> None:
        self.seen.append(("connected", None))

    async def on_connecting(self, context: Any) -> None:
        self.seen.append(("connecting", context.code))

    async def on_disconnected(self, context: Any) -> None:
        self.seen.append(("disconnected", context.code))

    async def on_error(self, context: Any) -> None:
        self.seen.append(("error", getattr(context.error, "code", None)))


class Followed(SubscriptionEventHandler):  # type: ignore[misc]
    """Notes what a subscription gets."""

    def __init__(self) -> None:
        self.got: list[tuple[int, int]] = []
        self.seen: list[Any] = []

    async def on_publication(self, context: Any) -> None:
        self.got.append((context.pub.offset, context.pub.data["data"]["n"]))

    async def on_subscribed(self, context: Any) -> None:
        self.seen.append((context.was_recovering, context.recovered, context.data))

    async def on_unsubscribed(self, context: Any) -> None:
        self.seen.append(context.code)


def client(stage: Stage, **options: Any) -> tuple[Client, Events]:
    events = Events()
    made = Client(stage.url, events=events, proxy=None, min_reconnect_delay=0.01, max_reconnect_delay=0.05, **options)
    return made, events


async def follow(made: Client, channel: str) -> tuple[Subscription, Followed]:
    events = Followed()
    subscription = made.new_subscription(channel, events=events)
    await subscription.subscribe()
    return subscription, events


async def test_python_recovers_what_it_missed(stage: Stage) -> None:
    made, _ = client(stage, token=stage.do("token", 120))
    await made.connect()
    _, events = await follow(made, CAMPAIGN)
    await until(lambda: events.seen)
    stage.do("confirm", CAMPAIGN, 1000, 1)
    stage.do("provisional", CAMPAIGN, 2)
    await until(lambda: len(events.got) == 2)
    stage.do("cut")
    stage.do("confirm", CAMPAIGN, 2000, 2)
    stage.do("mend")
    await until(lambda: len(events.got) == 3)
    stage.do("confirm", CAMPAIGN, 3000, 3)
    await until(lambda: len(events.got) == 4)
    await made.disconnect()
    assert events.got == [(1000, 1), (0, 2), (2000, 2), (3000, 3)]
    assert events.seen == [(False, False, {"open": [], "rejected": []}), (True, True, {"open": [], "rejected": []})]


async def test_python_channels_and_history(stage: Stage) -> None:
    for offset in (1000, 2000, 3000):
        stage.do("confirm", CAMPAIGN, offset, offset // 1000)
    made, _ = client(stage, token=stage.do("token", 120))
    await made.connect()
    own, events = await follow(made, CAMPAIGN)
    _, foreign = await follow(made, "user:88")
    _, unknown = await follow(made, "weather:today")
    await until(lambda: events.seen and foreign.seen and unknown.seen)
    assert (foreign.seen, unknown.seen) == ([103], [102])
    top = await own.history()
    assert (top.offset, top.publications) == (3000, [])
    page = await own.history(limit=9, since=StreamPosition(offset=1000, epoch=top.epoch))
    assert [publication.offset for publication in page.publications] == [2000, 3000]
    for call, code in [(own.publish({}), 103), (made.rpc("x", {}), 108), (own.presence(), 108)]:
        with pytest.raises(ReplyError) as caught:
            await call
        assert caught.value.code == code
    await own.unsubscribe()
    await until(lambda: stage.gateway.hub.subscribers(CAMPAIGN) == 0)
    stage.do("confirm", CAMPAIGN, 4000, 4)
    assert events.got == []
    await made.disconnect()


async def test_python_tokens(stage: Stage) -> None:
    async def fresh() -> str:
        token: str = stage.do("token", 2)
        asked.append(token)
        return token

    asked: list[str] = []
    made, events = client(stage, token=stage.do("token", -5), get_token=fresh)
    await made.connect()
    await until(lambda: len(asked) == 3)  # once instead of the expired one, then twice in band
    await asyncio.sleep(0)
    with pytest.raises(ReplyError):
        await made.rpc("x", {})
    assert ("error", 109) in events.seen
    assert events.seen[-1] == ("connected", None)
    await made.disconnect()
    forged, seen = client(stage, token="forged")
    await forged.connect()
    await until(lambda: seen.seen[-1][0] == "disconnected")
    assert seen.seen[-1] == ("disconnected", 3500)


async def test_python_comes_back_after_a_shutdown(stage: Stage) -> None:
    made, events = client(stage, token=stage.do("token", 120))
    await made.connect()
    await until(lambda: ("connected", None) in events.seen)
    await stage.gateway.server.drain()
    await until(lambda: ("connecting", 3001) in events.seen)
    await made.disconnect()
