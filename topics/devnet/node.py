"""One consensus node: hands calls to the state machine, and fails as the fault table says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from topics.devnet.envelope import Refused, open_envelope
from topics.devnet.faults import Fault, Faults
from topics.devnet.network import Network
from topics.devnet.queries import Queries
from topics.devnet.throttle import Throttle
from topics.ledger.hapi import query, response, response_code, transaction, transaction_response
from topics.values import AccountId

Context = grpc.aio.ServicerContext[Any, Any]


class Node:
    """A node under its account. Where it listens is a NodeServer's business.

    `throttle` is its share of what the network allows of topic creations; None: no limit.
    """

    def __init__(
        self, network: Network, account: AccountId, faults: Faults, *, throttle: Throttle | None = None
    ) -> None:
        self._network = network
        self._faults = faults
        self._throttle = throttle
        self._clock = network.settings.clock
        self.account = account
        self.queries = Queries(network, account, lambda: faults.strikes(Fault.RECEIPTS_EXPIRED, account))

    async def submit(
        self, request: transaction.Transaction, context: Context
    ) -> transaction_response.TransactionResponse:
        """Precheck, and on to consensus if it passes."""
        await self._fail_if_down(context)
        now_ns = self._clock()
        self._network.advance(now_ns)
        status = self._precheck(request, now_ns)
        self._network.advance(now_ns)
        await self._hang_if_told()
        if status == response_code.OK and self._faults.strikes(Fault.LOST_ACKNOWLEDGEMENT, self.account):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the acknowledgement was lost")
        return transaction_response.TransactionResponse(nodeTransactionPrecheckCode=status)

    async def answer(
        self, asked: query.Query, context: Context, by: Callable[[Queries, query.Query, int], response.Response]
    ) -> response.Response:
        """A query's answer; its payment goes the way of every transaction."""
        await self._fail_if_down(context)
        now_ns = self._clock()
        self._network.advance(now_ns)
        answered = by(self.queries, asked, now_ns)
        self._network.advance(now_ns)
        await self._hang_if_told()
        return answered

    def _precheck(self, request: transaction.Transaction, now_ns: int) -> response_code.ResponseCodeEnum:
        if self._faults.strikes(Fault.BUSY, self.account):
            return response_code.BUSY
        try:
            envelope = open_envelope(request)
            self._network.check(self.account, envelope, now_ns - self._faults.skew_ns(self.account))
        except Refused as refusal:
            return refusal.status
        if envelope.kind == "consensusCreateTopic" and self._throttle and not self._throttle.allows(now_ns):
            return response_code.BUSY
        busy = self._faults.strikes(Fault.BUSY_RECEIPT, self.account)
        self._network.take(self.account, envelope, now_ns, busy=busy)
        return response_code.OK

    async def _fail_if_down(self, context: Context) -> None:
        if self._faults.strikes(Fault.NODE_DOWN, self.account):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the node is down")

    async def _hang_if_told(self) -> None:
        if self._faults.strikes(Fault.HANG, self.account):
            # Until the client gives up, or the network stops.
            await asyncio.Event().wait()
