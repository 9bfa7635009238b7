"""What a backend asks of the HTTP door about clients: send to them, send them away, see who is there, what they saw."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import msgspec
from aiohttp import web

from bridge.counts import count
from bridge.gateway.backend import Backend
from bridge.gateway.door import Door, idempotency_of
from bridge.gateway.faults import Fault
from bridge.gateway.history import read_page
from bridge.gateway.shared import Rooms
from bridge.gateway.tokens.claims import TokenError, TokenExpired
from bridge.protocol.channels import Channel, is_id
from bridge.protocol.door.changes import parse_time_ms
from bridge.protocol.realtime import codes
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.recovery import Since, page
from bridge.protocol.realtime.steps import ReadHistory
from bridge.protocol.values import JSON

MAX_JTI_CHARS = 200
MAX_OFFSET = 2**63 - 1
SEND_SHAPE = (
    'a message is {"to": "user:…" or "campaign:…", "event": "…", "payload": {…}}; campaignId and at are optional'
)
SEND_NEEDS, SEND_MAY = {"to", "event", "payload"}, {"campaignId", "at"}
DISCONNECT_SHAPE = 'a revocation is {"user": "…"} or {"jti": "…"}'
UNSUBSCRIBE_SHAPE = 'this takes {"user": "…", "channel": "…"}'
REFRESH_SHAPE = 'this takes {"user": "…"}, and optionally "expiresAt", a time'
TICKET_SHAPE = 'this takes {"token": "…"}, a client\'s'


@dataclass(frozen=True, slots=True)
class ClientRoutes:
    """The routes, with what they share with the door's others: who may, how a body is read, how an answer is made."""

    door: Door
    backend: Backend
    rooms: Rooms
    limits: Callable[[], SessionLimits]
    read: Callable[[web.Request], Awaitable[tuple[bytes, JSON]]]
    answer: Callable[..., web.Response]

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Put them among the door's."""
        router.add_post("/v1/send", self._send)
        router.add_post("/v1/disconnect", self._disconnect)
        router.add_post("/v1/unsubscribe", self._unsubscribe)
        router.add_post("/v1/refresh", self._refresh)
        router.add_post("/v1/tickets", self._ticket)
        router.add_get("/v1/channels/{channel}/presence", self._presence)
        router.add_get("/v1/channels/{channel}/history", self._history)
        router.add_get("/v1/info", self._info)

    # To clients

    async def _send(self, request: web.Request) -> web.Response:
        """An event like any other; and whether somebody is there to see it now."""
        by = self._admit(request, "events:write")
        body, document = await self.read(request)
        channel, change = _addressed(document)
        idempotency = idempotency_of(request.headers.getall("Idempotency-Key", []), body)
        [event_id] = await self.backend.accept([change], api_key=by, idempotency=idempotency)
        return self.answer({"id": event_id, "connected": self.rooms.hub.subscribers(channel) > 0}, status=202)

    async def _disconnect(self, request: web.Request) -> web.Response:
        """Revoked first, so that nobody slips in again meanwhile."""
        self._admit(request, "clients:write")
        match (await self.read(request))[1]:
            case {"user": str(name), **rest} if not rest and is_id(name):
                return await self._revoked("user", name)
            case {"jti": str(name), **rest} if not rest and 0 < len(name) <= MAX_JTI_CHARS:
                return await self._revoked("jti", name)
        raise Fault(422, "refused", DISCONNECT_SHAPE)

    async def _revoked(self, kind: Literal["user", "jti"], name: str) -> web.Response:
        rooms = self.rooms
        await rooms.authenticator.revocations.revoke(kind, name, now_ms=rooms.now_ms())
        clients = rooms.clients.of_user(name) if kind == "user" else rooms.clients.of_jti(name)
        for client in clients:
            client.disconnect(codes.FORCE_DISCONNECT)
        return self.answer({"disconnected": len(clients)})

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        self._admit(request, "clients:write")
        match (await self.read(request))[1]:
            case {"user": str(user), "channel": str(name), **rest} if not rest and is_id(user):
                channel = str(_channel(name))
                self.rooms.elsewhere.unsubscribe(user, channel)
                return self.answer({"unsubscribed": self.rooms.clients.unsubscribe(user, channel)})
        raise Fault(422, "refused", UNSUBSCRIBE_SHAPE)

    async def _refresh(self, request: web.Request) -> web.Response:
        """They live on, or come back at once with a fresh token and what it opens."""
        self._admit(request, "clients:write")
        match (await self.read(request))[1]:
            case {"user": str(user), **rest} if is_id(user) and rest.keys() <= {"expiresAt"}:
                expires_ms = self._end(rest["expiresAt"]) if "expiresAt" in rest else None
                self.rooms.elsewhere.refresh(user, expires_ms)
                return self.answer({"refreshed": self.rooms.clients.refresh(user, expires_ms)})
        raise Fault(422, "refused", REFRESH_SHAPE)

    async def _ticket(self, request: web.Request) -> web.Response:
        self._admit(request, "tickets:write")
        match (await self.read(request))[1]:
            case {"token": str(token), **rest} if not rest:
                authenticator = self.rooms.authenticator
                try:
                    claims = await authenticator.check(token, now_ms=self.rooms.now_ms())
                except TokenError as error:
                    count("tokens refused", "expired" if isinstance(error, TokenExpired) else "refused")
                    raise Fault(422, "token_refused", str(error)) from error
                ticket = authenticator.tickets.issue(claims)
                return self.answer(
                    {"ticket": ticket, "lifetimeS": authenticator.settings.ticket_lifetime_s}, status=201
                )
        raise Fault(422, "refused", TICKET_SHAPE)

    # About clients

    async def _presence(self, request: web.Request) -> web.Response:
        self._admit(request, "clients:read")
        found = await self.rooms.presence.read(str(_channel(request.match_info["channel"])))
        named: JSON = None if found.clients is None else dict(found.clients)
        return self.answer({"clients": named, "numClients": found.num_clients, "numUsers": found.num_users})

    async def _history(self, request: web.Request) -> web.Response:
        self._admit(request, "history:read")
        channel = str(_channel(request.match_info["channel"]))
        limits = self.limits()
        limit = min(_number(request, "limit") or limits.history_max_publications, limits.history_max_publications)
        since, epoch = _number(request, "since"), request.query.get("epoch", "")
        reverse = request.query.get("reverse", "false") == "true"
        found = await read_page(self.rooms.history, ReadHistory(channel, since, limit, reverse))
        top = found.top
        if epoch not in ("", top.epoch) or not (reverse or since is None or top.follows(Since(since, epoch))):
            raise Fault(409, "unrecoverable_position", "since and epoch are no place in this channel's history")
        known = page(found.publications, max_bytes=limits.max_reply_bytes)
        publications = [{"offset": row.offset, "data": msgspec.Raw(row.data)} for row in known]
        return self.answer({"publications": publications, "epoch": top.epoch, "offset": top.offset})

    async def _info(self, request: web.Request) -> web.Response:
        self._admit(request, "clients:read")
        clients = self.rooms.clients
        counts: dict[str, JSON] = {
            "clients": len(clients),
            "users": clients.users,
            "channels": len(self.rooms.hub.channels),
        }
        return self.answer({"version": version("hcs-bridge"), **counts})

    def _admit(self, request: web.Request, scope: str) -> str:
        return self.door.admit(request.headers.getall("Authorization", []), scope).name

    def _end(self, value: Any) -> int:
        expires_ms, now_ms = parse_time_ms(value), self.rooms.now_ms()
        most_s = self.rooms.authenticator.settings.max_lifetime_s
        if expires_ms is None or not now_ms < expires_ms <= now_ms + most_s * 1000:
            rule = f"expiresAt must be a time within the next {most_s} s (tokens.max_lifetime_s)"
            raise Fault(422, "refused", rule)
        return expires_ms


def _addressed(document: JSON) -> tuple[str, JSON]:
    """The channel that a message is for, and the event as the door takes it."""
    if not isinstance(document, dict) or not SEND_NEEDS <= document.keys() <= SEND_NEEDS | SEND_MAY:
        raise Fault(422, "refused", SEND_SHAPE)
    to, change = document["to"], {name: value for name, value in document.items() if name != "to"}
    kind, _, named = to.partition(":") if isinstance(to, str) else ("", "", "")
    if kind == "campaign":
        if change.setdefault("campaignId", named) != named:
            raise Fault(422, "refused", "to and campaignId name different campaigns")
        return f"campaign:{named}", change
    if kind == "user":
        return f"user:{named}", document
    raise Fault(422, "refused", SEND_SHAPE)


def _channel(name: str) -> Channel:
    try:
        return Channel.parse(name)
    except ValueError as error:
        raise Fault(404, "not_found", str(error)) from error


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(MAX_OFFSET)) or int(text) > MAX_OFFSET:
        raise Fault(422, "refused", f"{name} must be a whole number from 0 to {MAX_OFFSET}")
    return int(text)
