"""One gRPC connection to a mirror and the subscriptions on it: the only module of this room that speaks gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import grpc.aio

from topics.errors import MalformedAnswer, Unavailable
from topics.ledger.hapi import mirror_consensus, mirror_consensus_grpc, timestamp
from topics.ledger.transactions import topic_id as topic_proto
from topics.mirror.settings import StreamSettings
from topics.values import NANOS, AccountId, ChunkInfo, TopicId, TopicMessage, TransactionId

KEEPALIVE_S = 100
"""Between two pings: mirrors send away who pings more often than every 90 s."""
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_MAX_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """`host:port` of a mirror's gRPC side."""

    address: str
    tls: bool = False

    def __str__(self) -> str:
        return f"mirror stream at {self.address}"


class StreamEnded(Unavailable):
    """A subscription is over, with a gRPC status: OK is an end as well. Subscribe again behind the last message."""

    def __init__(self, remote: str, status: str, details: str = "") -> None:
        self.status = status
        super().__init__(remote, f"the stream ended with {status}{f': {details}' if details else ''}")


class Connection:
    """Opened by the first call. `calls` is how many subscriptions it carries, counted by whoever hands them out."""

    def __init__(self, address: StreamAddress, settings: StreamSettings) -> None:
        self._remote = str(address)
        self.calls = 0
        options = _options(address, settings)
        if address.tls:
            self._channel = grpc.aio.secure_channel(address.address, grpc.ssl_channel_credentials(), options=options)
        else:
            self._channel = grpc.aio.insecure_channel(address.address, options=options)
        self._stub = mirror_consensus_grpc.ConsensusServiceStub(self._channel)  # type: ignore[no-untyped-call] # generated

    async def subscribe(self, topic_id: TopicId, *, from_ns: int, timeout_s: float) -> AsyncGenerator[TopicMessage]:
        """The topic's messages from that time on, it included; their payer is None.

        Ends by raising only: StreamEnded, after `timeout_s` at the latest; MalformedAnswer. Reads no further than is
        asked for, so a slow reader holds up the mirror and fills no memory here.
        """
        seconds, nanos = divmod(from_ns, NANOS)
        query = mirror_consensus.ConsensusTopicQuery(
            topicID=topic_proto(topic_id), consensusStartTime=timestamp.Timestamp(seconds=seconds, nanos=nanos)
        )
        call = self._stub.subscribeTopic(query, timeout=timeout_s)
        try:
            while True:
                response = await call.read()
                if not isinstance(response, mirror_consensus.ConsensusTopicResponse):  # grpc.aio.EOF
                    raise StreamEnded(self._remote, "OK")
                yield read_message(topic_id, response, self._remote)
        except grpc.aio.AioRpcError as error:
            raise StreamEnded(self._remote, error.code().name, error.details() or "") from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise StreamEnded(self._remote, "CANCELLED", "the connection was given up") from None  # by `close`
        finally:
            call.cancel()

    async def close(self) -> None:
        """Cut it, with all that is on it."""
        await self._channel.close(None)


def read_message(topic_id: TopicId, response: mirror_consensus.ConsensusTopicResponse, remote: str) -> TopicMessage:
    """A response as a value, without a payer. Raises MalformedAnswer."""
    time_ns = response.consensusTimestamp.seconds * NANOS + response.consensusTimestamp.nanos
    for name, value in (("consensusTimestamp", time_ns), ("sequenceNumber", response.sequenceNumber)):
        if not 0 <= value <= _MAX_INT64:
            raise MalformedAnswer(remote, f"{name} of topic {topic_id} is {value}")
    return TopicMessage(
        topic_id,
        response.sequenceNumber,
        time_ns,
        response.message,
        response.runningHash,
        None,
        _chunk(response, remote) if response.HasField("chunkInfo") else None,
        response.runningHashVersion,
    )


def _chunk(response: mirror_consensus.ConsensusTopicResponse, remote: str) -> ChunkInfo:
    info = response.chunkInfo
    account, start = info.initialTransactionID.accountID, info.initialTransactionID.transactionValidStart
    start_ns = start.seconds * NANOS + start.nanos
    numbers = (account.shardNum, account.realmNum, account.accountNum, start_ns)
    if account.WhichOneof("account") != "accountNum" or not all(0 <= number <= _MAX_INT64 for number in numbers):
        raise MalformedAnswer(remote, f"chunkInfo of message {response.sequenceNumber} names no payer and start")
    payer = AccountId(account.shardNum, account.realmNum, account.accountNum)
    return ChunkInfo(TransactionId(payer, start_ns), info.number, info.total)


def _options(address: StreamAddress, settings: StreamSettings) -> list[tuple[str, int]]:
    options = [
        ("grpc.enable_retries", 0),
        ("grpc.keepalive_time_ms", KEEPALIVE_S * 1000),
        ("grpc.keepalive_timeout_ms", int(settings.request_timeout_s * 1000)),
        ("grpc.initial_reconnect_backoff_ms", max(1, int(settings.backoff_initial_s * 1000))),
        ("grpc.max_reconnect_backoff_ms", max(1, int(settings.backoff_max_s * 1000))),
        ("grpc.min_reconnect_backoff_ms", max(1, int(settings.request_timeout_s * 1000))),
        # All channels to an address otherwise share one connection, and the sixth call on it is never answered.
        ("grpc.use_local_subchannel_pool", 1),
        # The window stays at 64 kB a stream instead of growing with the line.
        ("grpc.http2.bdp_probe", 0),
    ]
    if address.address.rpartition(":")[0] in _LOOPBACK:
        options.append(("grpc.enable_http_proxy", 0))
    return options
