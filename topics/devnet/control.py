"""The embedded network's own pages, beside the mirror's: what is to go wrong, and what the ledger really holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from aiohttp import web

from topics.devnet.faults import Fault, Faults, Standing
from topics.devnet.ledger_rows import ledger_rows
from topics.devnet.mirror_rows import Row
from topics.devnet.network import Network
from topics.devnet.ports import PortTaken
from topics.devnet.state import NODES
from topics.values import NANOS, AccountId

PREFIX = "/devnet/"
Move = Callable[[AccountId, int], Awaitable[str]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


class FaultAsked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /devnet/faults."""

    fault: Fault
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    node: str | None = None
    for_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    skew_s: Annotated[float, msgspec.Meta(ge=0)] = 0


class MoveAsked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /devnet/nodes/{account}/move; port 0 is any free one."""

    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0


class Control:
    """Handlers of the routes. They answer while every fault strikes. `move` raises PortTaken."""

    def __init__(self, network: Network, faults: Faults, move: Move) -> None:
        self._network = network
        self._faults = faults
        self._move = move

    def routes(self) -> list[web.RouteDef]:
        """All of them, for an aiohttp application."""
        return [
            web.get(f"{PREFIX}faults", _guarded(self._standing)),
            web.post(f"{PREFIX}faults", _guarded(self._inject)),
            web.delete(f"{PREFIX}faults", _guarded(self._clear)),
            web.post(f"{PREFIX}nodes/{{account}}/move", _guarded(self._move_node)),
            web.get(f"{PREFIX}ledger", _guarded(self._ledger)),
        ]

    async def _standing(self, request: web.Request) -> web.Response:
        now_ns = self._network.settings.clock()
        return _json({"faults": [_standing_row(each, now_ns) for each in self._faults.standing()]})

    async def _inject(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=FaultAsked)
        if (asked.fault == Fault.CLOCK_SKEW) != (asked.skew_s > 0):
            raise ValueError(f"skew_s goes with the fault {Fault.CLOCK_SKEW.value}, and with no other")
        node = None if asked.node is None else self._node(asked.node)
        self._faults.inject(asked.fault, times=asked.times, node=node, for_s=asked.for_s, skew_s=asked.skew_s)
        return await self._standing(request)

    async def _clear(self, request: web.Request) -> web.Response:
        fault, node = request.query.get("fault"), request.query.get("node")
        self._faults.clear(None if fault is None else Fault(fault), None if node is None else self._node(node))
        return await self._standing(request)

    async def _move_node(self, request: web.Request) -> web.Response:
        account = self._node(request.match_info["account"])
        asked = msgspec.json.decode(await request.read() or b"{}", type=MoveAsked)
        return _json({"node": str(account), "address": await self._move(account, asked.port)})

    async def _ledger(self, request: web.Request) -> web.Response:
        self._network.advance(self._network.settings.clock())
        return _json(ledger_rows(self._network))

    def _node(self, text: str) -> AccountId:
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


def _standing_row(standing: Standing, now_ns: int) -> Row:
    left_s = None if standing.until_ns is None else (standing.until_ns - now_ns) / NANOS
    return {
        "fault": standing.fault.value,
        "node": None if standing.node is None else str(standing.node),
        "times": standing.times,
        "for_s": left_s,
        "skew_s": standing.skew_s,
    }


def _json(row: Row, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(row), status=status, content_type="application/json")
