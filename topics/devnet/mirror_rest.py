"""The mirror's REST side: routes, error bodies, headers; and the fault table's say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec
from aiohttp import web

from topics.devnet.faults import Fault
from topics.devnet.mirror_faults import MirrorFaults
from topics.devnet.mirror_network import NetworkPages
from topics.devnet.mirror_pages import ACCOUNT_PARAMETERS, messages_page, transactions_page
from topics.devnet.mirror_parameters import (
    BadRequest,
    Parameters,
    invalid,
    read_account,
    read_topic,
    read_transaction_id,
)
from topics.devnet.mirror_rows import Row, account_row, message_row, topic_row, transaction_row
from topics.devnet.mirror_view import MirrorView
from topics.devnet.network import Network
from topics.devnet.ports import listen_http
from topics.devnet.throttle import Throttle
from topics.values import NANOS, AccountId, TopicId

Answer = Callable[[web.Request, MirrorView], Row]
CACHE_S = 1
API = "/api/v1"
TOPICS = f"{API}/topics"
CACHE_TRANSACTION_S = 600


class NotFound(Exception):
    """404."""


class MirrorRest:
    """One mirror. `url` is its address, without a path, once `start` has returned.

    `others` are routes beside the mirror's own, which its faults spare.
    """

    def __init__(
        self,
        network: Network,
        faults: MirrorFaults,
        nodes: Mapping[AccountId, str],
        others: Iterable[web.RouteDef] = (),
    ) -> None:
        self._network = network
        self._settings = network.settings
        self._faults = faults
        per_s = network.settings.mirror_max_requests_per_s
        self._throttle = Throttle(per_s) if per_s else None
        self._pages = NetworkPages(network, nodes)
        application = self._application()
        application.add_routes(others)
        self._runner = web.AppRunner(application, access_log=None)
        self.url = ""
        self.requests = 0
        """How many were made to the mirror's own pages, whatever became of them."""
        self.limited = 0
        """How many of these were answered 429."""

    async def start(self, port: int) -> None:
        """Listen. Raises PortTaken."""
        await self._runner.setup()
        host = self._settings.host
        self.url = f"http://{host}:{await listen_http(self._runner, host, port)}"

    async def stop(self) -> None:
        """Close every connection and listen no more."""
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._middleware])
        routes: dict[str, Answer] = {
            "/topics/{id}": self._topic,
            "/topics/{id}/messages": self._messages,
            "/topics/{id}/messages/{number}": self._message,
            "/transactions": self._transactions,
            "/transactions/{id}": self._transaction,
            "/accounts/{id}": self._account,
            "/network/nodes": self._pages.nodes,
            "/network/fees": self._pages.fees,
            "/network/exchangerate": self._pages.exchange_rate,
            "/blocks": self._pages.blocks,
        }
        for path, answer in routes.items():
            application.router.add_get(f"{API}{path}", self._handler(answer))
        return application

    def _handler(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            self._network.advance(self._settings.clock())
            view = self._faults.view(self._network.mirror, _topic_of(request))
            try:
                row = self._turn(request, answer(request, view))
            except BadRequest as error:
                return _error(400, *error.messages)
            except NotFound:
                return _error(404, "Not found")
            long_lived = answer == self._transaction
            return _json(row, max_age_s=CACHE_TRANSACTION_S if long_lived else CACHE_S)

        return handle

    @web.middleware
    async def _middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        refused = self._refuse(request) if request.path.startswith("/api/") else None
        if refused is not None:
            return refused
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return _error(404, "Not found")

    def _refuse(self, request: web.Request) -> web.Response | None:
        self.requests += 1
        topic = _topic_of(request)
        if self._faults.strike(Fault.MIRROR_UNREACHABLE, topic):
            if request.transport is not None:
                request.transport.abort()
            # The connection is gone; the server is told the same as when a client goes.
            raise asyncio.CancelledError
        if self._faults.strike(Fault.MIRROR_UNAVAILABLE, topic):
            return _error(503, "Service Unavailable")
        limited = self._faults.strike(Fault.MIRROR_TOO_MANY_REQUESTS, topic)
        if limited is None and (self._throttle is None or self._throttle.allows(self._settings.clock())):
            return None
        self.limited += 1
        refused = _error(429, "Too Many Requests")
        retry_after_s = None if limited is None else limited.asked.get("retry_after_s")
        if retry_after_s is not None:
            refused.headers["Retry-After"] = str(retry_after_s)
        return refused

    def _turn(self, request: web.Request, row: Row) -> Row:
        """A list as it is told, whose rows or links may lead astray."""
        if "messages" not in row and "transactions" not in row:
            return row
        topic = _topic_of(request)
        empty = self._faults.strike(Fault.PAGE_EMPTY, topic)
        if not empty and not self._faults.strike(Fault.PAGE_REPEATS, topic):
            return row
        rows: Row = {name: [] for name in ("messages", "transactions") if name in row and empty}
        return row | rows | {"links": {"next": request.path_qs}}

    def _topic(self, request: web.Request, view: MirrorView) -> Row:
        topic_id = read_topic(request.match_info["id"])
        Parameters(request.query_string, ())
        topic = view.topic(topic_id)
        if topic is None:
            raise NotFound
        return topic_row(topic)

    def _messages(self, request: web.Request, view: MirrorView) -> Row:
        topic_id = read_topic(request.match_info["id"])
        return messages_page(view, request.path, topic_id, request.query_string)

    def _message(self, request: web.Request, view: MirrorView) -> Row:
        topic = view.topic(read_topic(request.match_info["id"]))
        number = request.match_info["number"]
        if not number.isdecimal() or int(number) < 1:
            raise invalid("sequencenumber")
        Parameters(request.query_string, ())
        if topic is None or int(number) > len(topic.messages):
            raise NotFound
        told = next(view.tell([topic.messages.at(int(number) - 1)]), None)
        if told is None:
            raise NotFound
        return message_row(told)

    def _transactions(self, request: web.Request, view: MirrorView) -> Row:
        return self._transactions_page(request, view)

    def _transaction(self, request: web.Request, view: MirrorView) -> Row:
        transaction_id = read_transaction_id(request.match_info["id"])
        Parameters(request.query_string, ("nonce", "scheduled"))
        records = view.transaction(transaction_id)
        if not records:
            raise NotFound
        return {"transactions": [transaction_row(record) for record in records]}

    def _account(self, request: web.Request, view: MirrorView) -> Row:
        account_id = read_account(request.match_info["id"], "idOrAliasOrEvmAddress")
        account = view.account(account_id)
        if account is None:
            raise NotFound
        # The balance is the newest, whatever `timestamp` says: it bounds the transactions only.
        row = account_row(account, fresh_ns=view.fresh_ns)
        asked = Parameters(request.query_string, ACCOUNT_PARAMETERS)
        if asked.one("transactions", among=("true", "false"), default="true") == "false":
            return row | {"transactions": [], "links": {"next": None}}
        return row | self._transactions_page(request, view, payer=account_id)

    def _transactions_page(self, request: web.Request, view: MirrorView, *, payer: AccountId | None = None) -> Row:
        max_range_ns = self._settings.max_transactions_range_s * NANOS
        return transactions_page(view, request.path, request.query_string, max_range_ns=max_range_ns, payer=payer)


def _topic_of(request: web.Request) -> TopicId | None:
    """The topic that a request is about, if any."""
    if not request.path.startswith(f"{TOPICS}/"):
        return None
    try:
        return read_topic(request.match_info.get("id", ""))
    except BadRequest:
        return None


def _json(row: Row, *, status: int = 200, max_age_s: int = CACHE_S) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(row),
        status=status,
        content_type="application/json",
        # any page may read a mirror, as the real one's answers say, too
        headers={"Cache-Control": f"public, max-age={max_age_s}", "Access-Control-Allow-Origin": "*"},
    )


def _error(status: int, *messages: str) -> web.Response:
    return _json({"_status": {"messages": [{"message": message} for message in messages]}}, status=status)
