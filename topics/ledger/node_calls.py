"""Calls to consensus nodes: one call to one node, and the walk from node to node until one answers."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import grpc.aio
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from topics.errors import MalformedAnswer, Rejected, StartInFuture, TopicsError, TransactionExpired, Unavailable
from topics.ledger.certificates import CertificateRefused
from topics.ledger.channels import Channels, Services
from topics.ledger.codes import Verdict, counted_as, verdict
from topics.ledger.hapi import query, response, transaction
from topics.ledger.nodes import Node, Nodes
from topics.ledger.settings import LedgerSettings
from topics.values import AccountId

log = logging.getLogger(__name__)

LOOK_UP_AGAIN_S = 30.0
"""Between two looks into the address book: a node that stays wrong must not become a burden to the mirror."""

_T = TypeVar("_T")


class NodeDown(Unavailable):
    """One node can't serve; another may at once."""


class NodeMoved(NodeDown):
    """At this address it isn't the node that the list says: the addresses are to be looked up."""


AddressBook = Callable[[], Awaitable[Sequence[Node]]]
"""Gives the network's nodes as they are now. Raises TopicsError."""


class NodeCalls:
    """The channels to the nodes, what is known of each node's health, and the patience to try another."""

    def __init__(
        self, nodes: Sequence[Node], settings: LedgerSettings, address_book: AddressBook | None = None
    ) -> None:
        self._settings = settings
        self._looked_up_at = -LOOK_UP_AGAIN_S
        self._address_book = address_book
        self._channels = Channels(settings)
        self.answers = Counter[str]()  # by the name of their precheck code, or of the gRPC status
        self.nodes = Nodes(
            nodes[: settings.max_connections],
            backoff_initial_s=settings.backoff_initial_s,
            backoff_max_s=settings.backoff_max_s,
        )

    def services(self, node: Node) -> Services:
        """The node's stubs."""
        return self._channels.of(node)

    async def ready(self, node: Node) -> None:
        """To be awaited before the node's stubs are used: with TLS its certificate is checked. Raises NodeDown."""
        try:
            await self._channels.check(node)
        except Unavailable as error:
            self.nodes.failed(node, self.now())
            if not isinstance(error, CertificateRefused):
                raise NodeDown(str(node), error.reason) from error
            await self.look_up()
            raise NodeMoved(str(node), error.reason) from error

    async def look_up(self) -> bool:
        """Take the addresses from the address book, at most once in a while; whether that was done.

        A book that can't be had or names nobody leaves the nodes as they are.
        """
        if self._address_book is None or self.now() - self._looked_up_at < LOOK_UP_AGAIN_S:
            return False
        self._looked_up_at = self.now()
        try:
            found = await self._address_book()
        except TopicsError as error:
            log.warning("the address book can't be had: %s", error)
            return False
        if found:
            self.nodes.replace(found[: self._settings.max_connections])
        return bool(found)

    async def close(self) -> None:
        """Close the channels."""
        await self._channels.close()

    async def call(self, node: Node, method: Any, request: query.Query | transaction.Transaction) -> Any:
        """One call to one node. Raises NodeDown."""
        try:
            return await method(request, timeout=self._settings.request_timeout_s)
        except grpc.aio.AioRpcError as error:
            self.answers[error.code().name] += 1
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

        Raises Unavailable (NodeDown where another node may do better; StartInFuture), Rejected, TransactionExpired.
        """
        self.answers[counted_as(status)] += 1
        decided = verdict(status)
        if decided in _OUT_OF_THE_ROUND:
            self.nodes.failed(node, self.now())
            raise _OUT_OF_THE_ROUND[decided](str(node), status)
        self.nodes.answered(node)
        match decided:
            case Verdict.LATER:
                raise StartInFuture(str(node), status)
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
            try:
                await self.ready(node)
                return await ask(node)
            except NodeMoved:
                if await self.look_up():
                    tried.clear()
                raise

        return await self.retry(ask_next, tried=tried)

    async def retry(self, attempt: Callable[[], Awaitable[_T]], *, tried: set[AccountId] | None = None) -> _T:
        """Repeat `attempt` while it is Unavailable, with jittered back-off, or at once if a node not `tried` is ready.

        Raises the last Unavailable when the attempts are used up.
        """
        try:
            return await attempt()  # as a rule the only one; tenacity's bookkeeping costs more than a call
        except Unavailable as error:
            if not _may_pass(error):
                raise
            failed = [error]
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
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )

        async def once() -> _T:  # tenacity awaits what is visibly a coroutine function only
            if failed:
                raise failed.pop()
            return await attempt()

        result: _T = await retrying(once)
        return result

    def now(self) -> float:
        """Seconds of the loop's clock."""
        return asyncio.get_running_loop().time()


_OUT_OF_THE_ROUND = {Verdict.BUSY: Unavailable, Verdict.ELSEWHERE: NodeDown, Verdict.MOVED: NodeMoved}


def _may_pass(failure: BaseException) -> bool:
    """Whether another try may do better. A start in the future is the caller's to mend, and not by waiting."""
    return isinstance(failure, Unavailable) and not isinstance(failure, StartInFuture)
