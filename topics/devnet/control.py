"""The embedded network's own pages, beside the mirror's: what is to go wrong, and what the ledger really holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from aiohttp import web

from topics.devnet.faults import Fault, Faults, Field, Side, Standing
from topics.devnet.ledger_rows import ledger_rows
from topics.devnet.mirror_rows import Row
from topics.devnet.network import Network
from topics.devnet.ports import PortTaken
from topics.devnet.state import NODES
from topics.values import NANOS, AccountId, TopicId

PREFIX = "/devnet/"
Move = Callable[[AccountId, int], Awaitable[str]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class FaultAsked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /devnet/faults."""

    fault: Fault
    times: Count | None = None
    for_s: Seconds | None = None
    node: str | None = None
    mirror: Annotated[int, msgspec.Meta(ge=0)] | None = None
    side: Side | None = None
    topic: str | None = None
    sequence: Count | None = None
    from_sequence: Count | None = None
    field: Field | None = None
    skew_s: Seconds | None = None
    lag_s: Seconds | None = None
    retry_after_s: Annotated[int, msgspec.Meta(ge=0)] | None = None
    after: Annotated[int, msgspec.Meta(ge=0)] | None = None
    status: str | None = None


class ClearAsked(msgspec.Struct, forbid_unknown_fields=True):
    """The query of DELETE /devnet/faults; without anything: all."""

    fault: Fault | None = None
    node: str | None = None
    mirror: int | None = None
    topic: str | None = None


class MoveAsked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /devnet/nodes/{account}/move; port 0 is any free one."""

    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0


class Control:
    """Handlers of the routes. They answer while every fault strikes. `move` raises PortTaken."""

    def __init__(self, network: Network, faults: Faults, *, move: Move, mirrors: Callable[[], list[Row]]) -> None:
        self._network = network
        self._faults = faults
        self._move = move
        self._mirrors = mirrors

    def routes(self) -> list[web.RouteDef]:
        """All of them, for an aiohttp application."""
        return [
            web.get(f"{PREFIX}faults", _guarded(self._standing)),
            web.post(f"{PREFIX}faults", _guarded(self._inject)),
            web.delete(f"{PREFIX}faults", _guarded(self._clear)),
            web.post(f"{PREFIX}nodes/{{account}}/move", _guarded(self._move_node)),
            web.get(f"{PREFIX}mirrors", _guarded(self._list_mirrors)),
            web.get(f"{PREFIX}ledger", _guarded(self._ledger)),
        ]

    async def _standing(self, request: web.Request) -> web.Response:
        now_ns = self._network.settings.clock()
        return _json({"faults": [_standing_row(each, now_ns) for each in self._faults.standing()]})

    async def _inject(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=FaultAsked)
        if asked.mirror is not None and asked.mirror >= self._network.settings.mirrors:
            raise ValueError(f"there is no mirror {asked.mirror}: they are counted from 0")
        given = msgspec.structs.asdict(asked)
        given["node"], given["topic"] = self._node(asked.node), _topic(asked.topic)
        self._faults.inject(given.pop("fault"), **given)
        return await self._standing(request)

    async def _clear(self, request: web.Request) -> web.Response:
        asked = msgspec.convert(dict(request.query), type=ClearAsked, strict=False)
        node, topic = self._node(asked.node), _topic(asked.topic)
        self._faults.clear(asked.fault, node, mirror=asked.mirror, topic=topic)
        return await self._standing(request)

    async def _move_node(self, request: web.Request) -> web.Response:
        account = self._existing(request.match_info["account"])
        asked = msgspec.json.decode(await request.read() or b"{}", type=MoveAsked)
        return _json({"node": str(account), "address": await self._move(account, asked.port)})

    async def _list_mirrors(self, request: web.Request) -> web.Response:
        return _json({"mirrors": self._mirrors()})

    async def _ledger(self, request: web.Request) -> web.Response:
        self._network.advance(self._network.settings.clock())
        return _json(ledger_rows(self._network))

    def _node(self, text: str | None) -> AccountId | None:
        return None if text is None else self._existing(text)

    def _existing(self, text: str) -> AccountId:
        account = AccountId.parse(text)
        if account not in NODES:
            raise ValueError(f"{account} is no node of this network")
        return account


def _guarded(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except (ValueError, msgspec.MsgspecError) as error:
            return _json({"error": str(error)}, status=400)
        except PortTaken as error:
            return _json({"error": str(error)}, status=409)

    return handle


def _topic(text: str | None) -> TopicId | None:
    return None if text is None else TopicId.parse(text)


def _standing_row(standing: Standing, now_ns: int) -> Row:
    """What was said of it, and what is left of that."""
    left: Row = {"fault": standing.fault.value, **standing.asked}
    left |= {name: str(left[name]) for name in ("node", "topic") if name in left}
    if standing.times is not None:
        left["times"] = standing.times
    if standing.until_ns is not None:
        left["for_s"] = (standing.until_ns - now_ns) / NANOS
    return left


def _json(row: Row, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(row), status=status, content_type="application/json")
