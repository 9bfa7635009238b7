"""`hcs-bridge tail`: a channel's publications, through the gateway with the public client."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from centrifuge import (
    CentrifugeError,
    Client,
    ClientDisconnectedError,
    ClientEventHandler,
    DisconnectedContext,
    ErrorContext,
    PublicationContext,
    StreamPosition,
    SubscribedContext,
    SubscriptionErrorContext,
    SubscriptionEventHandler,
    UnsubscribedContext,
)

from bridge.commands.exits import FAILED, UNREACHABLE, CommandFailed

CONNECT_TIMEOUT_S = 15.0
EXPIRED = 1  # the client's own code: the token has expired, and there is nowhere to get another
SUBSCRIBED = "subscribed"  # how that notice begins
MAX_WAITING = 10_000  # publications between the socket and a slow terminal


TokenSource = Callable[[], str]
"""Makes a token, anew each time that it is asked."""


@dataclass(frozen=True, slots=True)
class Since:
    """A place in a channel to start after."""

    offset: int
    epoch: str


class Tail:
    """One subscription, as a stream of publication data. `notice` gets what a person would want to know beside it."""

    def __init__(self, channel: str, *, since: Since | None = None, notice: Callable[[str], None]) -> None:
        self.channel = channel
        self._since = since
        self._notice = notice
        self._arrived: asyncio.Queue[Any] = asyncio.Queue(MAX_WAITING)

    async def publications(
        self, url: str, token: str | TokenSource, *, trust: ssl.SSLContext | None = None
    ) -> AsyncGenerator[dict[str, Any]]:
        """Connect and subscribe; then every publication in order, over reconnects and, with a source, over expiries.

        Raises CommandFailed; a token that is given as text can't be renewed, so that its expiry is one of the reasons.
        """
        connection = _Connection(self._arrived)
        client = Client(url, events=connection, max_reconnect_delay=2.0, ssl_context=trust, **_credentials(token))
        subscription = client.new_subscription(
            self.channel,
            events=_Subscription(self._arrived, self._notice),
            recoverable=True,
            positioned=True,
            get_state=None if self._since is None else self._position,
        )
        try:
            await client.connect()
            await subscription.subscribe()
            await self._connected(client, url, connection)
            while True:
                arrived = await self._arrived.get()
                if isinstance(arrived, CommandFailed):
                    raise arrived
                yield arrived
        finally:
            await client.disconnect()

    async def _connected(self, client: Client, url: str, connection: _Connection) -> None:
        try:
            await client.ready(timeout=CONNECT_TIMEOUT_S)
        except ClientDisconnectedError:
            return  # told why in `arrived`, with the gateway's own code
        except CentrifugeError as error:
            reason = connection.last_error or str(error) or type(error).__name__
            raise CommandFailed(f"no session at {url}: {reason}", code=UNREACHABLE) from error

    async def _position(self, _channel: str) -> StreamPosition:
        since, self._since = self._since, None
        if since is None:  # asked a second time: the gateway no longer has what came after the place
            failed = CommandFailed(
                f"{self.channel}: the history since then is gone", code=FAILED, hint="leave --since out"
            )
            await self._arrived.put(failed)
            return StreamPosition(0, "")
        return StreamPosition(since.offset, since.epoch)


class _Connection(ClientEventHandler):  # type: ignore[misc] # the library ships no types
    def __init__(self, arrived: asyncio.Queue[Any]) -> None:
        self._arrived = arrived
        self.last_error = ""

    async def on_error(self, ctx: ErrorContext) -> None:
        self.last_error = str(ctx.error)

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        if ctx.code == EXPIRED:
            hint = "take a new one from where it came, or leave --token out to have one minted and renewed"
            await self._arrived.put(CommandFailed("the token has expired", code=FAILED, hint=hint))
        elif ctx.code:  # 0: we left
            await self._arrived.put(
                CommandFailed(f"the gateway ended the session: {ctx.code} {ctx.reason}", code=FAILED)
            )


class _Subscription(SubscriptionEventHandler):  # type: ignore[misc] # likewise
    def __init__(self, arrived: asyncio.Queue[Any], notice: Callable[[str], None]) -> None:
        self._arrived = arrived
        self._notice = notice

    async def on_publication(self, ctx: PublicationContext) -> None:
        await self._arrived.put(ctx.pub.data)

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        at = ctx.stream_position
        place = "" if at is None else f" at offset {at.offset}, epoch {at.epoch}"
        lost = ctx.was_recovering and not ctx.recovered
        self._notice(f"{SUBSCRIBED}{place}" + (", but what was missed can't be recovered" if lost else ""))

    async def on_error(self, ctx: SubscriptionErrorContext) -> None:
        self._notice(f"subscription: {ctx.error}")

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        if ctx.code:  # 0: we left
            hint = (
                "a token opens its user's channel, its campaigns, and those that the user owns"
                if ctx.code == 103
                else ""
            )
            await self._arrived.put(CommandFailed(f"not subscribed: {ctx.code} {ctx.reason}", code=FAILED, hint=hint))


def _credentials(token: str | TokenSource) -> dict[str, Any]:
    """The client's arguments. The first token is made here, so that a mistake in the keys ends the command at once."""
    if isinstance(token, str):
        return {"token": token}

    async def renewed() -> str:
        return token()

    return {"token": token(), "get_token": renewed}
