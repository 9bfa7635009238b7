"""What the console asks of the HTTP door: everything an operator looks at, read only, in pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from heapq import nlargest
from typing import Protocol

from aiohttp import web

from bridge.gateway.console_operations import AFTER, MAX_ID_CHARS, MAX_PAGE, MAX_PLACE, STATES
from bridge.gateway.door import Door
from bridge.gateway.faults import Fault
from bridge.gateway.settings import ApiKey
from bridge.gateway.shared import Rooms
from bridge.protocol.values import JSON

SCOPE = "console:read"
DEFAULT_PAGE = 50
MAX_CHANNELS = 20
"""So many of the channels with most subscribers are named."""
CAMPAIGN = "campaign:"


class Console(Protocol):
    """Behind the door. Each may raise Unavailable."""

    async def campaigns(self, *, after: str, search: str, only_halted: bool, limit: int) -> JSON:
        """Campaigns by id, behind `after`, whose id or topic has `search` in it."""

    async def timeline(self, campaign_id: str, /, *, before: int, limit: int) -> JSON:
        """The campaign and its events, newest first; None if it isn't known."""

    async def outbox(self, state: str, /, *, campaign: str, after: tuple[str, int], limit: int) -> JSON:
        """Entries in that state, of one campaign if it is named, behind (campaign, place)."""

    async def costs(self) -> JSON:
        """What was spent by day and by API key, and what may be."""

    async def status(self) -> dict[str, JSON]:
        """Everything in numbers, and how mirrors and nodes are."""


@dataclass(frozen=True, slots=True)
class ConsoleRoutes:
    """The routes, with what they share with the door's others; `rooms` tells who is connected."""

    door: Door
    console: Console
    rooms: Rooms
    answer: Callable[..., web.Response]

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Put them among the door's."""
        router.add_get("/v1/campaigns", self._campaigns)
        router.add_get("/v1/campaigns/{id}/timeline", self._timeline)
        router.add_get("/v1/outbox/entries", self._outbox)
        router.add_get("/v1/costs", self._costs)
        router.add_get("/v1/status", self._status)
        router.add_get("/v1/clients", self._clients)

    async def _campaigns(self, request: web.Request) -> web.Response:
        self._admit(request)
        page = await self.console.campaigns(
            after=_text(request, "after"),
            search=_text(request, "q"),
            only_halted=_one_of(request, "halted", ("false", "true")) == "true",
            limit=_limit(request),
        )
        return self.answer(page)

    async def _timeline(self, request: web.Request) -> web.Response:
        self._admit(request)
        before = _number(request, "before", MAX_PLACE, MAX_PLACE)
        page = await self.console.timeline(request.match_info["id"], before=before, limit=_limit(request))
        if page is None:
            raise Fault(404, "not_found", "no campaign with this id")
        return self.answer(page)

    async def _outbox(self, request: web.Request) -> web.Response:
        self._admit(request)
        state, campaign = _one_of(request, "state", STATES), _text(request, "campaign")
        after = request.query.get("after", "/0")
        if re.fullmatch(AFTER, after) is None:
            raise Fault(422, "refused", "after is what an answer gave as next")
        ref, _, place = after.rpartition("/")
        return self.answer(
            await self.console.outbox(state, campaign=campaign, after=(ref, int(place)), limit=_limit(request))
        )

    async def _costs(self, request: web.Request) -> web.Response:
        self._admit(request)
        return self.answer(await self.console.costs())

    async def _status(self, request: web.Request) -> web.Response:
        scopes: list[JSON] = [*sorted(self._admit(request).scopes)]
        return self.answer(await self.console.status() | {"clients": len(self.rooms.clients), "scopes": scopes})

    async def _clients(self, request: web.Request) -> web.Response:
        """How many, and where most of them are. Users are counted and not named."""
        self._admit(request)
        hub, clients = self.rooms.hub, self.rooms.clients
        named = ((hub.subscribers(name), name) for name in hub.channels if name.startswith(CAMPAIGN))
        most: list[JSON] = [
            {"campaignId": name.removeprefix(CAMPAIGN), "subscribers": count}
            for count, name in nlargest(MAX_CHANNELS, named)
        ]
        counts = {"clients": len(clients), "users": clients.users, "channels": len(hub.channels)}
        return self.answer(counts | {"campaigns": most})

    def _admit(self, request: web.Request) -> ApiKey:
        return self.door.admit(request.headers.getall("Authorization", []), SCOPE)


def _text(request: web.Request, name: str) -> str:
    text = request.query.get(name, "")
    if len(text) > MAX_ID_CHARS:
        raise Fault(422, "refused", f"{name} has {len(text)} characters, and may have {MAX_ID_CHARS}")
    return text


def _one_of(request: web.Request, name: str, allowed: tuple[str, ...]) -> str:
    """One of these; the first where nothing is said."""
    text = request.query.get(name, allowed[0])
    if text not in allowed:
        raise Fault(422, "refused", f"{name} must be one of {', '.join(allowed)}")
    return text


def _limit(request: web.Request) -> int:
    return _number(request, "limit", DEFAULT_PAGE, MAX_PAGE)


def _number(request: web.Request, name: str, default: int, most: int) -> int:
    text = request.query.get(name, str(default))
    if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) is None or not 1 <= int(text) <= most:
        raise Fault(422, "refused", f"{name} must be a whole number from 1 to {most}")
    return int(text)
