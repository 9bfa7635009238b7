"""A port on which a consensus node answers; another one from the moment when the first has moved away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from topics.devnet.node import Node
from topics.devnet.ports import grpc_server, listen_grpc
from topics.devnet.queries import Queries
from topics.devnet.services import Answer, register
from topics.ledger.hapi import query, response, transaction, transaction_response

Context = grpc.aio.ServicerContext[Any, Any]


class NodeServer:
    """Calls go to `node` as it stands. `address` is `host:port` once `start` has returned."""

    def __init__(self, node: Node) -> None:
        self._server: grpc.aio.Server | None = None
        self.node = node
        self.address = ""

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises PortTaken."""
        self._server = grpc_server()
        self._register(self._server)
        self.address = f"{host}:{listen_grpc(self._server, host, port)}"
        await self._server.start()

    async def stop(self) -> None:
        """Cut every call and listen no more."""
        if self._server is not None:
            await self._server.stop(None)

    async def _submit(
        self, request: transaction.Transaction, context: Context
    ) -> transaction_response.TransactionResponse:
        return await self.node.submit(request, context)

    def _register(self, server: grpc.aio.Server) -> None:
        def answer(by: Callable[[Queries, query.Query, int], response.Response]) -> Answer:
            # gRPC tells a coroutine function by its definition: a lambda won't do.
            async def call(asked: query.Query, context: Context) -> response.Response:
                return await self.node.answer(asked, context, by)

            return call

        topics = ("createTopic", "updateTopic", "deleteTopic", "submitMessage")
        register(
            server,
            "proto.ConsensusService",
            submits=dict.fromkeys(topics, self._submit),
            answers={"getTopicInfo": answer(Queries.topic_info)},
        )
        register(
            server,
            "proto.CryptoService",
            submits={"createAccount": self._submit, "cryptoTransfer": self._submit},
            answers={
                "getTransactionReceipts": answer(Queries.receipt),
                "getTxRecordByTxID": answer(Queries.record),
                "cryptoGetBalance": answer(Queries.balance),
                "getAccountInfo": answer(Queries.account_info),
            },
        )
        register(
            server,
            "proto.NetworkService",
            submits={},
            answers={"getVersionInfo": answer(Queries.version_info)},
        )
