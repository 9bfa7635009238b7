"""One consensus node: listens on a port, hands calls to the state machine, and fails as the fault table says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from topics.devnet.envelope import Refused
from topics.devnet.faults import Fault, Faults
from topics.devnet.network import Network
from topics.devnet.ports import grpc_server, listen_grpc
from topics.devnet.queries import Queries
from topics.devnet.services import Answer, register
from topics.devnet.settings import DevnetSettings
from topics.ledger.hapi import query, response, response_code, transaction, transaction_response
from topics.values import AccountId

Context = grpc.aio.ServicerContext[Any, Any]


class Node:
    """A node under its account. `address` is `host:port` once `start` has returned."""

    def __init__(self, network: Network, account: AccountId, faults: Faults) -> None:
        self._network = network
        self._faults = faults
        self._settings: DevnetSettings = network.settings
        self._queries = Queries(network, account)
        self._server: grpc.aio.Server | None = None
        self.account = account
        self.address = ""

    async def start(self, port: int) -> None:
        """Listen. Raises PortTaken."""
        host = self._settings.host
        self._server = grpc_server()
        self._register(self._server)
        self.address = f"{host}:{listen_grpc(self._server, host, port)}"
        await self._server.start()

    async def stop(self) -> None:
        """Cut every call and listen no more."""
        if self._server is not None:
            await self._server.stop(None)

    async def submit(
        self, request: transaction.Transaction, context: Context
    ) -> transaction_response.TransactionResponse:
        """Precheck, and on to consensus if it passes."""
        await self._fail_if_down(context)
        now_ns = self._settings.clock()
        self._network.advance(now_ns)
        status = self._precheck(request, now_ns)
        self._network.advance(now_ns)
        if status == response_code.OK and self._faults.strikes(Fault.LOST_ACKNOWLEDGEMENT, self.account):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the acknowledgement was lost")
        return transaction_response.TransactionResponse(nodeTransactionPrecheckCode=status)

    async def answer(
        self, asked: query.Query, context: Context, by: Callable[[query.Query, int], response.Response]
    ) -> response.Response:
        """A query's answer; its payment goes the way of every transaction."""
        await self._fail_if_down(context)
        now_ns = self._settings.clock()
        self._network.advance(now_ns)
        answered = by(asked, now_ns)
        self._network.advance(now_ns)
        return answered

    def _register(self, server: grpc.aio.Server) -> None:
        queries = self._queries

        def answer(by: Callable[[query.Query, int], response.Response]) -> Answer:
            # gRPC tells a coroutine function by its definition: a lambda won't do.
            async def call(asked: query.Query, context: Context) -> response.Response:
                return await self.answer(asked, context, by)

            return call

        register(
            server,
            "proto.ConsensusService",
            submits={"createTopic": self.submit, "submitMessage": self.submit},
            answers={"getTopicInfo": answer(queries.topic_info)},
        )
        register(
            server,
            "proto.CryptoService",
            submits={"createAccount": self.submit, "cryptoTransfer": self.submit},
            answers={
                "getTransactionReceipts": answer(queries.receipt),
                "getTxRecordByTxID": answer(queries.record),
                "cryptoGetBalance": answer(queries.balance),
                "getAccountInfo": answer(queries.account_info),
            },
        )
        register(
            server,
            "proto.NetworkService",
            submits={},
            answers={"getVersionInfo": answer(queries.version_info)},
        )

    def _precheck(self, request: transaction.Transaction, now_ns: int) -> response_code.ResponseCodeEnum:
        if self._faults.strikes(Fault.BUSY, self.account):
            return response_code.BUSY
        try:
            self._network.ingest(self.account, request, now_ns)
        except Refused as refusal:
            return refusal.status
        return response_code.OK

    async def _fail_if_down(self, context: Context) -> None:
        if self._faults.strikes(Fault.NODE_DOWN, self.account):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the node is down")
