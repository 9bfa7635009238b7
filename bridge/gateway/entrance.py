"""How browsers' requests come in by the HTTP door: from which pages, with which token, and who may read the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from bridge.errors import BridgeError
from bridge.gateway.carriers import Headers
from bridge.gateway.faults import Fault, fault_for, unauthorized
from bridge.gateway.identity import Identity
from bridge.gateway.server import FOREIGN, GatewayServer
from bridge.gateway.shared import Rooms
from bridge.gateway.tokens.claims import Claims
from bridge.protocol.channels import Channel
from bridge.protocol.realtime.steps import Authenticated, Expired

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Entrance:
    """The gateway's rules, for requests that are answered once as well as for streams."""

    def __init__(self, gateway: GatewayServer, rooms: Rooms) -> None:
        self._gateway = gateway
        self._rooms = rooms

    def add(self, router: web.UrlDispatcher, method: str, path: str, handler: Handler) -> None:
        """A route with the same rules of origin as all, and answers that an allowed page may read."""
        router.add_route(method, path, self._shared(handler))
        router.add_options(path, self._shared(_preflight))

    async def reader(self, request: web.Request) -> Identity:
        """Who asks, by the token that the request brings. Raises Fault 401, Unavailable."""
        token = self._gateway.token(headers_of(request), request.query_string)
        identity = self._rooms.identity(token)
        match await identity.authenticate(""):
            case Authenticated():
                return identity
            case Expired():
                raise unauthorized("the token has expired")
        raise unauthorized("a client's token is needed")

    def _shared(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if not self._gateway.admits(headers_of(request)):
                raise Fault(403, "forbidden", FOREIGN)
            try:
                response = await handler(request)
            except BridgeError as error:
                refusal = fault_for(error)
            except Fault as fault:
                refusal = fault
            else:
                if not response.prepared:
                    response.headers.update(readable(request))
                return response
            refusal.headers = {**refusal.headers, **readable(request)}
            raise refusal

        return handle


def claims_of(identity: Identity) -> Claims:
    """Of somebody who was let in."""
    if identity.claims is None:
        raise RuntimeError("nobody was let in")
    return identity.claims


def campaign_of(request: web.Request) -> Channel:
    """The campaign that the path names. Raises Fault 404 for what can't be an id."""
    try:
        return Channel.parse(f"campaign:{request.match_info['id']}")
    except ValueError as error:
        raise Fault(404, "not_found", "no campaign with this id") from error


def headers_of(request: web.Request) -> Headers:
    """The request's headers, by name."""
    return lambda name: request.headers.getall(name, [])


def readable(request: web.Request) -> dict[str, str]:
    """What lets the page that asks read the answer; its origin was checked."""
    origin = request.headers.get("Origin")
    if origin is None:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


async def _preflight(_: web.Request) -> web.Response:
    allowed = {"Methods": "GET, POST", "Headers": "Authorization, Content-Type, Last-Event-ID", "Max-Age": "600"}
    return web.Response(status=204, headers={f"Access-Control-Allow-{name}": value for name, value in allowed.items()})
