"""What a backend comes for: its campaigns, its events, and what became of them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from bridge.gateway.backend import Backend
from bridge.gateway.door import Door, idempotency_of
from bridge.gateway.faults import Fault
from bridge.protocol.values import JSON

CAMPAIGN_SHAPE = 'a campaign is {"id": "…", "ownerId": "…"}: two ids, and optionally "relay": "plain" or "sealed"'
RELAYS: tuple[dict[str, JSON], ...] = ({}, {"relay": "plain"}, {"relay": "sealed"})
Traced = Callable[[Sequence[str], str | None, int], None]
"""Told the ids of events that were accepted, the request's `traceparent`, and when it began (ns of the Unix epoch)."""


@dataclass(frozen=True, slots=True)
class BackendRoutes:
    """`read` gives a request's body, and the document in it."""

    door: Door
    backend: Backend
    read: Callable[[web.Request], Awaitable[tuple[bytes, JSON]]]
    answer: Callable[..., web.Response]
    traced: Traced | None = None

    def add_to(self, router: web.UrlDispatcher) -> None:
        """The routes."""
        router.add_post("/v1/campaigns", self._create_campaign)
        router.add_get("/v1/campaigns/{id}", self._campaign)
        router.add_post("/v1/events", self._accept)
        router.add_get("/v1/events/{id}", self._event)

    async def _create_campaign(self, request: web.Request) -> web.Response:
        api_key = self.door.admit(request.headers.getall("Authorization", []), "campaigns:write")
        match (await self.read(request))[1]:
            case {"id": str() | int() as id, "ownerId": str() | int() as owner_id, **rest} if rest in RELAYS:
                # a backend's ids may be bare big integers; bool is an int to Python, and no id to anybody
                sealed = rest["relay"] == "sealed" if rest else None
                view = await self.backend.create_campaign(_id(id), _id(owner_id), sealed=sealed, api_key=api_key.name)
                return self.answer(view.as_json(), status=201)
        raise Fault(422, "refused", CAMPAIGN_SHAPE)

    async def _campaign(self, request: web.Request) -> web.Response:
        self.door.admit(request.headers.getall("Authorization", []), "campaigns:read")
        view = await self.backend.campaign(request.match_info["id"])
        if view is None:
            raise Fault(404, "not_found", "no campaign with this id")
        return self.answer(view.as_json())

    async def _accept(self, request: web.Request) -> web.Response:
        began_ns = time.time_ns()
        api_key = self.door.admit(request.headers.getall("Authorization", []), "events:write")
        body, document = await self.read(request)
        idempotency = idempotency_of(request.headers.getall("Idempotency-Key", []), body)
        changes = document if isinstance(document, list) else [document]
        ids = await self.backend.accept(changes, api_key=api_key.name, idempotency=idempotency)
        if self.traced is not None:
            self.traced(ids, request.headers.get("traceparent"), began_ns)
        return self.answer({"ids": list(ids)}, status=202)

    async def _event(self, request: web.Request) -> web.Response:
        self.door.admit(request.headers.getall("Authorization", []), "events:read")
        view = await self.backend.event(request.match_info["id"])
        if view is None:
            raise Fault(404, "not_found", "no event with this id")
        return self.answer(view.as_json())


def _id(value: str | int) -> str:
    return "" if isinstance(value, bool) else str(value)
