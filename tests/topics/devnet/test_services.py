"""Calls reach what was registered; others are unimplemented."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from topics.devnet.ports import grpc_server, listen_grpc
from topics.devnet.services import register
from topics.ledger.hapi import query, response, response_code, transaction, transaction_response


async def test_registered_calls() -> None:
    async def take(request: transaction.Transaction, _: Any) -> transaction_response.TransactionResponse:
        assert request.signedTransactionBytes == b"signed"
        return transaction_response.TransactionResponse(nodeTransactionPrecheckCode=response_code.BUSY)

    async def answer(asked: query.Query, _: Any) -> response.Response:
        assert asked == query.Query()
        return response.Response()

    server = grpc_server()
    register(server, "proto.ConsensusService", submits={"submitMessage": take}, answers={"getTopicInfo": answer})
    port = listen_grpc(server, "127.0.0.1", 0)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:

        async def call(name: str, content: bytes) -> bytes:
            answered = await channel.unary_unary(
                f"/proto.ConsensusService/{name}", request_serializer=None, response_deserializer=None
            )(content, timeout=10)
            assert isinstance(answered, bytes)
            return answered

        request = transaction.Transaction(signedTransactionBytes=b"signed").SerializeToString()
        answered = transaction_response.TransactionResponse.FromString(await call("submitMessage", request))
        assert answered.nodeTransactionPrecheckCode == response_code.BUSY
        assert await call("getTopicInfo", b"") == b""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call("deleteTopic", b"")
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    await server.stop(None)
