"""The mirror's gRPC side: subscriptions to topics, and the address book."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc

from topics.devnet import protos
from topics.devnet.faults import Fault
from topics.devnet.mirror_faults import MirrorFaults
from topics.devnet.mirror_parameters import MAX_INT64
from topics.devnet.mirror_subscription import InvalidQuery, Subscription, read_subscription
from topics.devnet.mirror_watch import Watch
from topics.devnet.network import Network
from topics.devnet.ports import grpc_server, listen_grpc
from topics.ledger.hapi import basic_types, mirror_consensus, mirror_network
from topics.values import AccountId, TopicId

Context = grpc.aio.ServicerContext[Any, Any]
ADDRESS_BOOKS = (101, 102)
MAX_CALLS_A_CONNECTION = 5
MIN_PING_INTERVAL_S = 90


class MirrorGrpc:
    """One mirror's. `address` is `host:port` once `start` has returned.

    `nodes` is account → `host:port`. A connection carries five calls; what a client calls beyond waits in the client,
    without a word, until one of the five ends: so the real one has it, by its HTTP/2 settings.
    """

    def __init__(self, network: Network, faults: MirrorFaults, watch: Watch, nodes: Mapping[AccountId, str]) -> None:
        self._network = network
        self._faults = faults
        self._watch = watch
        self._nodes = nodes
        self._server: grpc.aio.Server | None = None
        self.address = ""
        self.streams = 0
        """How many subscriptions are open."""

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises PortTaken."""
        ping_ms = self._network.settings.scaled_ns(MIN_PING_INTERVAL_S) // 1_000_000
        self._server = grpc_server(
            ("grpc.max_concurrent_streams", MAX_CALLS_A_CONNECTION),
            # A client that pings more often is sent away ("too_many_pings").
            ("grpc.http2.min_ping_interval_without_data_ms", ping_ms),
        )
        self._register(self._server)
        self.address = f"{host}:{listen_grpc(self._server, host, port)}"
        await self._server.start()

    async def stop(self) -> None:
        """Cut every call and listen no more."""
        if self._server is not None:
            await self._server.stop(None)

    async def subscribe(
        self, query: mirror_consensus.ConsensusTopicQuery, context: Context
    ) -> AsyncIterator[mirror_consensus.ConsensusTopicResponse]:
        """`ConsensusService/subscribeTopic`: what is there from the start time on, then what comes."""
        topic_id = protos.read_topic(query.topicID)
        await self._fail_if_down(context, topic_id)
        now_ns = self._network.settings.clock()
        self._network.advance(now_ns)
        try:
            asked = read_subscription(query, now_ns)
        except InvalidQuery as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        lag_ns = self._faults.replica_lag_ns(topic_id)
        topic = self._network.mirror.topics.get(topic_id)
        if topic is None or topic.entity.created_ns > self._faults.horizon_ns(topic_id, lag_ns=lag_ns):
            await context.abort(grpc.StatusCode.NOT_FOUND, f"{topic_id} does not exist")
        lies, subscription, given = self._faults.lies(topic), Subscription(asked, topic.messages), 0
        with self._counted(), self._watch.on(topic_id) as news:
            while True:
                news.clear()
                horizon_ns = self._faults.horizon_ns(topic_id, lag_ns=lag_ns)
                for message in lies.tell(subscription.due(horizon_ns)):
                    if await self._breaks(context, topic_id, given):
                        return
                    yield protos.topic_response(message)
                    given += 1
                ended = subscription.ended(min(horizon_ns, self._network.mirror.fresh_ns))
                if ended or await self._breaks(context, topic_id, given):
                    return
                # The end of a stream, and what a late mirror learns, come with time alone; all else wakes us.
                await self._watch.wait(news, polling=asked.end_ns is not None or horizon_ns < MAX_INT64)

    async def nodes(
        self, query: mirror_network.AddressBookQuery, context: Context
    ) -> AsyncIterator[basic_types.NodeAddress]:
        """`NetworkService/getNodes`: the address book as it stands."""
        await self._fail_if_down(context, None)
        if query.file_id.fileNum not in ADDRESS_BOOKS:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Not a valid address book file")
        for number, (account, address) in enumerate(self._nodes.items()):
            if number == query.limit > 0:
                return
            yield protos.node_address(number, account, address)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.streams += 1
        try:
            yield
        finally:
            self.streams -= 1

    async def _fail_if_down(self, context: Context, topic_id: TopicId | None) -> None:
        if self._faults.strike(Fault.MIRROR_GRPC_DOWN, topic_id):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the mirror is down")

    async def _breaks(self, context: Context, topic_id: TopicId, given: int) -> bool:
        """Whether a stream that has given so many messages ends cleanly here. It may fail here, or stay for ever."""
        await self._fail_if_down(context, topic_id)
        if self._faults.strike_stream(Fault.STREAM_SILENT, topic_id, given):
            # Until the client gives up, or the network stops.
            await asyncio.Event().wait()
        broken = self._faults.strike_stream(Fault.STREAM_BREAKS, topic_id, given)
        status = grpc.StatusCode.OK if broken is None else grpc.StatusCode[broken.asked.get("status") or "UNAVAILABLE"]
        if status is not grpc.StatusCode.OK:
            await context.abort(status, "the stream was broken")
        return broken is not None

    def _register(self, server: grpc.aio.Server) -> None:
        package = "com.hedera.mirror.api.proto"
        services = {
            "ConsensusService": {
                "subscribeTopic": grpc.unary_stream_rpc_method_handler(
                    self.subscribe,
                    request_deserializer=mirror_consensus.ConsensusTopicQuery.FromString,
                    response_serializer=mirror_consensus.ConsensusTopicResponse.SerializeToString,
                )
            },
            "NetworkService": {
                "getNodes": grpc.unary_stream_rpc_method_handler(
                    self.nodes,
                    request_deserializer=mirror_network.AddressBookQuery.FromString,
                    response_serializer=basic_types.NodeAddress.SerializeToString,
                )
            },
        }
        for name, handlers in services.items():
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(f"{package}.{name}", handlers),))
