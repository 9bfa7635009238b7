"""Which call of the Hedera API goes where; what isn't named here answers UNIMPLEMENTED."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from topics.ledger.hapi import query, response, transaction, transaction_response

Context = grpc.aio.ServicerContext[Any, Any]
Submit = Callable[[transaction.Transaction, Context], Awaitable[transaction_response.TransactionResponse]]
Answer = Callable[[query.Query, Context], Awaitable[response.Response]]


def register(server: grpc.aio.Server, service: str, *, submits: dict[str, Submit], answers: dict[str, Answer]) -> None:
    """Add one service by its full name, `proto.ConsensusService`."""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            submit,
            request_deserializer=transaction.Transaction.FromString,
            response_serializer=transaction_response.TransactionResponse.SerializeToString,
        )
        for name, submit in submits.items()
    }
    handlers |= {
        name: grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=query.Query.FromString,
            response_serializer=response.Response.SerializeToString,
        )
        for name, answer in answers.items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
