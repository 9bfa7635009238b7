"""One client's connection: performs what its session asks for, and feeds back what came of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from bridge.counts import count
from bridge.errors import Unavailable
from bridge.gateway.history import read_page
from bridge.gateway.hub import Frame
from bridge.gateway.identity import Joins, named
from bridge.gateway.outlet import Outlet
from bridge.gateway.shared import Rooms
from bridge.log import get_logger
from bridge.protocol.realtime import codes, steps
from bridge.protocol.realtime.codes import DisconnectCode, UnsubscribeCode
from bridge.protocol.realtime.commands import Command, Pong
from bridge.protocol.realtime.recovery import Publication
from bridge.protocol.realtime.replies import SEPARATOR
from bridge.protocol.realtime.session import Session
from bridge.protocol.realtime.steps import Action, Operation

log = get_logger(__name__)

MIN_TIMER_S = 0.001
PONG = Command(0, Pong())


class Connection:
    """The shell around a session, whatever the transport. `hang_up` is called once, when the session is over.

    `offered` is the token that came with the handshake, "" if none did; `joins` says to which channels its token
    subscribes it.
    """

    def __init__(
        self,
        session: Session,
        rooms: Rooms,
        outlet: Outlet,
        *,
        hang_up: Callable[[DisconnectCode], None],
        offered: str = "",
        joins: Joins = named,
    ) -> None:
        self._session = session
        self._rooms = rooms
        self._outlet = outlet
        self._hang_up = hang_up
        self._identity = rooms.identity(offered, joins)
        self._joined: set[str] = set()
        self._replies: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        outlet.cut = self.overflow
        self._set_timer()

    @property
    def client(self) -> str:
        """The id that the client was told."""
        return self._session.client

    @property
    def user(self) -> str | None:
        """Whose it is, once connected."""
        return self._session.user

    def held(self) -> tuple[int, int]:
        """Its subscriptions, and the bytes that wait for it."""
        return len(self._joined), self._outlet.waiting_bytes

    # What the hub does (bridge.gateway.hub.Subscriber)

    def deliver(self, frame: Frame) -> None:
        """A publication, already encoded."""
        self._outlet.write(frame.wire(self._outlet.encode))

    def deliver_last(self, frame: Frame) -> None:
        """One that nothing of this turn comes behind."""
        self._outlet.send(frame.wire(self._outlet.encode))

    def overflow(self) -> None:
        """It doesn't keep up."""
        self.disconnect(codes.SLOW)

    # What the transport does

    async def receive(self, frame: str | bytes) -> None:
        """Take a frame; return when all that it asked for is done, and the client has taken the answers."""
        await self._perform(self._session.receive(frame, now_ms=self._rooms.steady_ms()))
        await self._answered()
        self._set_timer()

    def alive(self) -> None:
        """The client has answered a ping, where the transport has its own."""
        self._feed_now(PONG)

    def disconnect(self, code: DisconnectCode) -> None:
        """End it from this side; fine where it has ended."""
        self._feed_now(steps.Disconnected(code))

    def revoke(self, channel: str, code: UnsubscribeCode = codes.UNSUBSCRIBED_BY_SERVER) -> bool:
        """End its subscription to the channel; whether it had one."""
        had = channel in self._joined
        self._feed_now(steps.Revoked(channel, code))
        return had

    def extend(self, expires_ms: int) -> None:
        """Let it live until then instead of to its token's end."""
        self._feed_now(steps.Extended(self._rooms.ends_ms(expires_ms)))
        self._set_timer()

    def send(self, data: bytes) -> None:
        """A message for this client alone, one line of JSON; nobody gets it before connecting."""
        self._feed_now(steps.Message(data))

    def lost(self) -> None:
        """The transport is gone: leave nothing behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for channel in tuple(self._joined):
            self._leave(channel)
        self._rooms.clients.leave(self)

    # Actions

    def _feed_now(self, step: steps.Input) -> None:
        for action in self._session.feed(step, now_ms=self._rooms.steady_ms()):
            self._act(action)
        self._flush()

    async def _perform(self, actions: Iterable[Action]) -> None:
        todo = deque(actions)
        while todo:
            action = todo.popleft()
            if not isinstance(action, Operation):
                self._act(action)
                continue
            await self._answered()  # never more than one answer of the largest size waits
            for outcome in await self._operate(action):
                todo += self._session.feed(outcome, now_ms=self._rooms.steady_ms())

    def _act(self, action: Action) -> None:
        match action:
            case steps.Send(payload):
                self._replies.append(payload)
            case steps.GoLive(channel, after, listens):
                self._flush()
                self._rooms.hub.go_live(channel, self, after=after)
                self._rooms.presence.enter(channel, self, listens=listens)
            case steps.Leave(channel):
                self._leave(channel)
            case steps.Close(code):
                self._flush()
                self._outlet.close()
                count("disconnects", str(code.code))
                self._hang_up(code)

    def _leave(self, channel: str) -> None:
        self._joined.discard(channel)
        self._rooms.hub.unsubscribe(channel, self)
        self._rooms.presence.leave(channel, self)

    def _flush(self) -> None:
        if self._replies:
            self._outlet.write(self._outlet.encode(SEPARATOR.join(self._replies)))
            self._replies.clear()

    async def _answered(self) -> None:
        self._flush()
        await self._outlet.drained()

    async def _operate(self, operation: Operation) -> Iterable[steps.Outcome | steps.Revoked | steps.Disconnected]:
        try:
            match operation:
                case steps.Authenticate(token):
                    return (await self._authenticate(token),)
                case steps.Authorize(channel, token):
                    return (await self._identity.authorize(channel, token),)
                case steps.Join():
                    return (await self._join(operation),)
                case steps.ReadHistory():
                    return (await read_page(self._rooms.history, operation),)
                case steps.ReadPresence(channel):
                    return (await self._rooms.presence.read(channel),)
                case steps.Review(channels):
                    return [steps.Revoked(each) for each in channels if not await self._identity.may_open(each)]
        except Unavailable as error:
            if times := self._rooms.failures.due(name := type(operation).__name__):
                log.warning("operation failed", operation=name, reason=error.reason, times=times)
            if isinstance(operation, steps.Review):  # who can't be checked starts afresh
                return (steps.Disconnected(codes.SERVER_ERROR),)
            return (steps.Failed(),)

    async def _authenticate(self, token: str) -> steps.Outcome | steps.Disconnected:
        outcome, claims = await self._identity.authenticate(token), self._identity.claims
        if not isinstance(outcome, steps.Authenticated) or claims is None or self._rooms.clients.enter(self, claims):
            return outcome
        return steps.Disconnected(codes.CONNECTION_LIMIT)

    async def _join(self, join: steps.Join) -> steps.Joined:
        """Register, note the top, read up to it, then what is open: in any other order something could slip through."""
        history, channel = self._rooms.history, join.channel
        self._joined.add(channel)
        self._rooms.hub.subscribe(channel, self)
        top = await history.top(channel)
        rows: list[Publication] = []
        if join.since is not None and top.follows(join.since) and join.since.offset < top.offset:
            rows = await history.read(channel, since=join.since.offset, limit=join.limit)
        return steps.Joined(top, tuple(rows), await history.open_ids(channel))

    def _set_timer(self) -> None:
        """Wake when the session next wants to; a timer that is early enough stays, and asks again."""
        deadline_ms = self._session.deadline_ms
        if deadline_ms is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return
        delay_s = max(MIN_TIMER_S, (deadline_ms - self._rooms.steady_ms()) / 1000)
        when = self._loop.time() + delay_s
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._feed_now(steps.Tick())
        self._set_timer()
