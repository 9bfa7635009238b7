"""The public Python client with handlers that note what happens to it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from centrifuge import Client, ClientEventHandler, Subscription, SubscriptionEventHandler
from centrifuge.exceptions import ReplyError

from tests.integration.stage import Stage


def read(data: Any) -> Any:
    """Over Protobuf data comes as it is, in bytes."""
    return json.loads(data) if isinstance(data, bytes) else data


class Events(ClientEventHandler):  # type: ignore[misc]  # the package has no types
    """Notes what happens to a client, and to the channels that the server subscribes it to."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int | None]] = []
        self.channels: list[Any] = []

    async def on_connected(self, context: Any) -> None:
        self.seen.append(("connected", None))

    async def on_connecting(self, context: Any) -> None:
        self.seen.append(("connecting", context.code))

    async def on_disconnected(self, context: Any) -> None:
        self.seen.append(("disconnected", context.code))

    async def on_error(self, context: Any) -> None:
        self.seen.append(("error", getattr(context.error, "code", None)))

    async def on_subscribed(self, context: Any) -> None:
        self.channels.append((context.channel, context.was_recovering, context.recovered))

    async def on_unsubscribed(self, context: Any) -> None:
        self.channels.append(("unsubscribed", context.channel))

    async def on_publication(self, context: Any) -> None:
        self.channels.append((context.channel, context.pub.offset, read(context.pub.data)["data"]["n"]))


class Followed(SubscriptionEventHandler):  # type: ignore[misc]
    """Notes what a subscription gets."""

    def __init__(self) -> None:
        self.got: list[tuple[int, int]] = []
        self.seen: list[Any] = []
        self.others: list[tuple[str, str]] = []

    async def on_publication(self, context: Any) -> None:
        self.got.append((context.pub.offset, read(context.pub.data)["data"]["n"]))

    async def on_subscribed(self, context: Any) -> None:
        self.seen.append((context.was_recovering, context.recovered, read(context.data)))

    async def on_unsubscribed(self, context: Any) -> None:
        self.seen.append(context.code)

    async def on_join(self, context: Any) -> None:
        self.others.append(("join", context.info.user))

    async def on_leave(self, context: Any) -> None:
        self.others.append(("leave", context.info.user))


def token(stage: Stage, lives_s: float = 120, **claims: Any) -> str:
    made: str = stage.do("token", lives_s, claims)
    return made


def fetching(fetched: list[str], make: Callable[[], str]) -> Callable[..., Awaitable[str]]:
    """A client's `get_token`, which notes each."""

    async def fetch(*_: str) -> str:
        fetched.append(make())
        return fetched[-1]

    return fetch


def client(stage: Stage, **options: Any) -> tuple[Client, Events]:
    events = Events()
    delays = {"min_reconnect_delay": 0.01, "max_reconnect_delay": 0.05}
    made = Client(stage.url, events=events, proxy=None, use_protobuf=stage.protobuf, **delays, **options)
    return made, events


async def follow(made: Client, channel: str, **options: Any) -> tuple[Subscription, Followed]:
    events = Followed()
    delays = {"min_resubscribe_delay": 0.01, "max_resubscribe_delay": 0.05}
    subscription = made.new_subscription(channel, events=events, **(delays | options))
    await subscription.subscribe()
    return subscription, events


async def refused(call: Awaitable[Any]) -> int:
    with pytest.raises(ReplyError) as caught:
        await call
    code: int = caught.value.code
    return code
