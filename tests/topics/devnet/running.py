"""A running network without delays, and calls to it as any client makes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import grpc

from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings
from topics.ledger.hapi import query, response, transaction, transaction_response
from topics.values import AccountId


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Devnet]:
    """A Devnet whose delays are 0 unless told."""
    chosen: dict[str, Any] = {"consensus_delay_s": 0, "mirror_delay_s": 0}
    async with Devnet(DevnetSettings(**(chosen | settings))) as devnet:
        yield devnet


async def submit(
    devnet: Devnet, node: AccountId, method: str, request: transaction.Transaction, *, timeout_s: float = 10
) -> transaction_response.TransactionResponse:
    """Call `proto.Service/name` with a transaction."""
    read = transaction_response.TransactionResponse.FromString
    answer = await _call(devnet.nodes[node], method, request.SerializeToString(), read, timeout_s)
    assert isinstance(answer, transaction_response.TransactionResponse)
    return answer


async def ask(
    devnet: Devnet, node: AccountId, method: str, asked: query.Query, *, timeout_s: float = 10
) -> response.Response:
    """Call `proto.Service/name` with a query."""
    read = response.Response.FromString
    answer = await _call(devnet.nodes[node], method, asked.SerializeToString(), read, timeout_s)
    assert isinstance(answer, response.Response)
    return answer


async def _call(address: str, method: str, content: bytes, read: Callable[[bytes], object], timeout_s: float) -> object:
    async with grpc.aio.insecure_channel(address) as channel:
        return await channel.unary_unary(f"/proto.{method}", request_serializer=None, response_deserializer=read)(
            content, timeout=timeout_s
        )


async def get(url: str) -> tuple[int, Any, str]:
    """Status, body and Cache-Control of a GET."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.json(), answer.headers["Cache-Control"]


async def control(devnet: Devnet, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Status and body of a call to the network's own pages."""
    url = f"{devnet.mirror_url}/devnet/{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body) as answer:
        return answer.status, await answer.json()
