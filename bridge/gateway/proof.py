"""Hands clients that check for themselves the raw messages of a campaign's topic, in the mirror's own shape."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from bridge.gateway.entrance import Entrance, campaign_of
from bridge.gateway.faults import Fault
from bridge.protocol.values import JSON
from topics.values import TopicId, TopicMessage, format_timestamp

MAX_SEQUENCE = 2**63 - 1
RANGE = f"from and to are sequence numbers from 1 to {MAX_SEQUENCE}, from no greater than to"


@dataclass(frozen=True, slots=True)
class Proof:
    """Messages of a topic, ascending, as a mirror shows them; `anchors` are running hashes by sequence number that
    receipts of the bridge's own transactions name.
    """

    network: str
    topic_id: TopicId
    messages: Sequence[TopicMessage]
    anchors: Mapping[int, bytes]

    def as_json(self) -> dict[str, JSON]:
        """The answer's body."""
        return {
            "topicId": str(self.topic_id),
            "network": self.network,
            "messages": [_row(message) for message in self.messages],
            "anchors": [{"sequence": n, "runningHash": _base64(known)} for n, known in self.anchors.items()],
        }


class Proofs(Protocol):
    """What is behind the route."""

    async def read(self, campaign_id: str, first: int, last: int, /) -> Proof | None:
        """The messages from `first` to `last` that the relay has verified; None where there is no topic.

        Raises Unavailable: no mirror answers.
        """


@dataclass(frozen=True, slots=True)
class ProofRoutes:
    """The route, for whom the campaign's channel opens to."""

    entrance: Entrance
    proofs: Proofs
    max_messages: Callable[[], int]
    answer: Callable[..., web.Response]

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Put it among the door's."""
        self.entrance.add(router, "GET", "/v1/campaigns/{id}/proof", self._proof)

    async def _proof(self, request: web.Request) -> web.Response:
        reader, campaign = await self.entrance.reader(request), campaign_of(request)
        if not await reader.may_open(str(campaign)):
            raise Fault(403, "forbidden", "this token does not open the campaign's channel")
        first, last = _number(request, "from", 1), _number(request, "to", MAX_SEQUENCE)
        if first > last:
            raise Fault(400, "bad_range", RANGE)
        proof = await self.proofs.read(campaign.id, first, min(last, first + self.max_messages() - 1))
        if proof is None:
            raise Fault(404, "not_found", "this campaign has no topic yet")
        return self.answer(proof.as_json())


def _number(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, str(otherwise))
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_SEQUENCE))):
        raise Fault(400, "bad_range", RANGE)
    if not 1 <= int(text) <= MAX_SEQUENCE:
        raise Fault(400, "bad_range", RANGE)
    return int(text)


def _row(message: TopicMessage) -> dict[str, JSON]:
    """Source: the mirror node's OpenAPI description (rest/api/v1/openapi.yml, TopicMessage)."""
    return {
        "chunk_info": _chunk_info(message),
        "consensus_timestamp": format_timestamp(message.consensus_ns),
        "message": _base64(message.message),
        "payer_account_id": None if message.payer is None else str(message.payer),
        "running_hash": _base64(message.running_hash),
        "running_hash_version": message.running_hash_version,
        "sequence_number": message.sequence,
        "topic_id": str(message.topic_id),
    }


def _chunk_info(message: TopicMessage) -> JSON:
    if (chunk := message.chunk) is None:
        return None
    return {
        "initial_transaction_id": {
            "account_id": str(chunk.initial.payer),
            "nonce": 0,
            "scheduled": False,
            "transaction_valid_start": format_timestamp(chunk.initial.valid_start_ns),
        },
        "number": chunk.number,
        "total": chunk.total,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
