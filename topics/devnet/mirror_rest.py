"""The mirror's REST side: routes, error bodies, headers; and the fault table's say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec
from aiohttp import web

from topics.devnet.faults import Fault, Faults
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
from topics.devnet.network import Network
from topics.devnet.ports import listen_http
from topics.values import NANOS, AccountId

Answer = Callable[[web.Request], Row]
CACHE_S = 1
CACHE_TRANSACTION_S = 600


class NotFound(Exception):
    """404."""


class MirrorRest:
    """One mirror. `url` is its address, without a path, once `start` has returned.

    `others` are routes beside the mirror's own, which its faults spare.
    """

    def __init__(
        self, network: Network, faults: Faults, nodes: Mapping[AccountId, str], others: Iterable[web.RouteDef] = ()
    ) -> None:
        self._network = network
        self._index = network.mirror
        self._settings = network.settings
        self._faults = faults
        self._pages = NetworkPages(network, nodes)
        application = self._application()
        application.add_routes(others)
        self._runner = web.AppRunner(application, access_log=None)
        self.url = ""

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
            application.router.add_get(f"/api/v1{path}", self._handler(answer))
        return application

    def _handler(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            self._network.advance(self._settings.clock())
            try:
                row = answer(request)
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
        ours = request.path.startswith("/api/")
        if ours and self._faults.strikes(Fault.MIRROR_UNREACHABLE):
            if request.transport is not None:
                request.transport.abort()
            # The connection is gone; the server is told the same as when a client goes.
            raise asyncio.CancelledError
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return _error(404, "Not found")

    def _topic(self, request: web.Request) -> Row:
        topic_id = read_topic(request.match_info["id"])
        Parameters(request.query_string, ())
        topic = self._index.topics.get(topic_id)
        if topic is None:
            raise NotFound
        return topic_row(topic)

    def _messages(self, request: web.Request) -> Row:
        topic_id = read_topic(request.match_info["id"])
        return messages_page(self._index, request.path, topic_id, request.query_string)

    def _message(self, request: web.Request) -> Row:
        topic = self._index.topics.get(read_topic(request.match_info["id"]))
        number = request.match_info["number"]
        if not number.isdecimal() or int(number) < 1:
            raise invalid("sequencenumber")
        Parameters(request.query_string, ())
        if topic is None or int(number) > len(topic.messages):
            raise NotFound
        return message_row(topic.messages.at(int(number) - 1))

    def _transactions(self, request: web.Request) -> Row:
        return self._transactions_page(request)

    def _transaction(self, request: web.Request) -> Row:
        transaction_id = read_transaction_id(request.match_info["id"])
        Parameters(request.query_string, ("nonce", "scheduled"))
        records = self._index.transaction(transaction_id)
        if not records:
            raise NotFound
        return {"transactions": [transaction_row(record) for record in records]}

    def _account(self, request: web.Request) -> Row:
        account_id = read_account(request.match_info["id"], "idOrAliasOrEvmAddress")
        account = self._index.accounts.get(account_id)
        if account is None:
            raise NotFound
        # The balance is the newest, whatever `timestamp` says: it bounds the transactions only.
        row = account_row(account, fresh_ns=self._index.fresh_ns)
        asked = Parameters(request.query_string, ACCOUNT_PARAMETERS)
        if asked.one("transactions", among=("true", "false"), default="true") == "false":
            return row | {"transactions": [], "links": {"next": None}}
        return row | self._transactions_page(request, payer=account_id)

    def _transactions_page(self, request: web.Request, *, payer: AccountId | None = None) -> Row:
        max_range_ns = self._settings.max_transactions_range_s * NANOS
        return transactions_page(
            self._index, request.path, request.query_string, max_range_ns=max_range_ns, payer=payer
        )


def _json(row: Row, *, status: int = 200, max_age_s: int = CACHE_S) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(row),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": f"public, max-age={max_age_s}"},
    )


def _error(status: int, *messages: str) -> web.Response:
    return _json({"_status": {"messages": [{"message": message} for message in messages]}}, status=status)
