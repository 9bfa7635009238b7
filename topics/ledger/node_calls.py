"""Calls to consensus nodes: one call to one node, and the walk from node to node until one answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import grpc.aio
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from topics.errors import MalformedAnswer, Rejected, TransactionExpired, Unavailable
from topics.ledger.channels import Channels, Services
from topics.ledger.codes import Verdict, verdict
from topics.ledger.hapi import query, response, transaction
from topics.ledger.nodes import Node, Nodes
from topics.ledger.settings import LedgerSettings
from topics.values import AccountId

_T = TypeVar("_T")


class NodeDown(Unavailable):
    """One node can't serve; another may at once."""


class NodeCalls:
    """The channels to the nodes, what is known of each node's health, and the patience to try another."""

    def __init__(self, nodes: Sequence[Node], settings: LedgerSettings) -> None:
        self._settings = settings
        self._channels = Channels(settings)
        self.nodes = Nodes(
            nodes[: settings.max_connections],
            backoff_initial_s=settings.backoff_initial_s,
            backoff_max_s=settings.backoff_max_s,
        )

    def services(self, node: Node) -> Services:
        """The node's stubs."""
        return self._channels.of(node)

    async def close(self) -> None:
        """Close the channels."""
        await self._channels.close()

    async def call(self, node: Node, method: Any, request: query.Query | transaction.Transaction) -> Any:
        """One call to one node. Raises NodeDown."""
        try:
            return await method(request, timeout=self._settings.request_timeout_s)
        except grpc.aio.AioRpcError as error:
            self.nodes.failed(node, self.now())
            raise NodeDown(str(node), f"{error.code().name}: {error.details()}") from error

    async def ask(self, node: Node, method: Any, request: query.Query, field: str) -> Any:
        """One query to one node; `field` of the proto's Response comes back. Raises NodeDown, MalformedAnswer."""
        answer: response.Response = await self.call(node, method, request)
        if answer.WhichOneof("response") != field:
            raise MalformedAnswer(str(node), f"expected {field}, got {answer.WhichOneof('response')}")
        return getattr(answer, field)

    def judge(self, node: Node, what: str, status: str) -> None:
        """Note what a precheck status says about the node; raise unless the node took the request.

        Raises Unavailable (NodeDown where another node may do better), Rejected, TransactionExpired.
        """
        decided = verdict(status)
        if decided in (Verdict.BUSY, Verdict.ELSEWHERE):
            self.nodes.failed(node, self.now())
            raise (NodeDown if decided is Verdict.ELSEWHERE else Unavailable)(str(node), status)
        self.nodes.answered(node)
        match decided:
            case Verdict.LATER:
                raise Unavailable(str(node), status)
            case Verdict.EXPIRED:
                raise TransactionExpired(what, status)
            case Verdict.REFUSED:
                raise Rejected(what, status)

    async def reach(self, ask: Callable[[Node], Awaitable[_T]]) -> _T:
        """Ask one node after another, until one answers or the attempts are used up (then: its Unavailable)."""
        tried: set[AccountId] = set()

        async def ask_next() -> _T:
            node = self.nodes.pick(self.now(), avoid=tried)
            tried.add(node.account)
            return await ask(node)

        return await self.retry(ask_next, tried=tried)

    async def retry(self, attempt: Callable[[], Awaitable[_T]], *, tried: set[AccountId] | None = None) -> _T:
        """Repeat `attempt` while it is Unavailable, with jittered back-off, or at once if a node not `tried` is ready.

        Raises the last Unavailable when the attempts are used up.
        """
        jittered = wait_random_exponential(
            multiplier=self._settings.backoff_initial_s, max=self._settings.backoff_max_s
        )

        def pause(state: RetryCallState) -> float:
            failure = state.outcome.exception() if state.outcome else None
            if tried is not None and isinstance(failure, NodeDown) and self.nodes.any_ready(self.now(), avoid=tried):
                return 0.0
            return jittered(state)

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._settings.max_attempts),
            wait=pause,
            retry=retry_if_exception_type(Unavailable),
            reraise=True,
        )

        async def once() -> _T:  # tenacity awaits what is visibly a coroutine function only
            return await attempt()

        result: _T = await retrying(once)
        return result

    def now(self) -> float:
        """Seconds of the loop's clock."""
        return asyncio.get_running_loop().time()
