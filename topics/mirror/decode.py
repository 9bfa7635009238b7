"""A mirror's JSON into values, every field checked: what doesn't fit is a MalformedAnswer that names the field.

Source: the mirror node's OpenAPI description (rest/api/v1/openapi.yml).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from topics.errors import MalformedAnswer
from topics.fees import ExchangeRate
from topics.mirror.answers import (
    MirrorAccount,
    MirrorKey,
    MirrorNode,
    MirrorTopic,
    SubmitPage,
    TransactionOutcome,
)
from topics.values import AccountId, ChunkInfo, EntityId, TopicId, TopicMessage, TransactionId, parse_timestamp

_T = TypeVar("_T")
_E = TypeVar("_E", bound=EntityId)
_ABSENT = object()
_MAX_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Fields:
    """A JSON object, where it stood, and how to take a field out of it or say what is wrong there."""

    remote: str
    path: str
    values: dict[str, Any]

    def take(self, name: str, kind: type[_T]) -> _T:
        value = self.values.get(name, _ABSENT)
        if not isinstance(value, kind):
            raise self.wrong(name, "is missing" if value is _ABSENT else f"is {_show(value)}, not {kind.__name__}")
        return value

    def count(self, name: str) -> int:
        """A number as the ledger has them, from 0 and of 63 bits: beyond, neither hashes nor databases take it."""
        value = self.take(name, int)
        if isinstance(value, bool) or not 0 <= value <= _MAX_INT64:
            raise self.wrong(name, f"is {_show(value)}, not an integer from 0 to 2^63 - 1")
        return value

    def time(self, name: str) -> int:
        """Nanoseconds of `s.nnnnnnnnn`."""
        ns = self.read(name, parse_timestamp)
        if ns > _MAX_INT64:
            raise self.wrong(name, "is beyond the year 2262")
        return ns

    def entity(self, name: str, kind: type[_E]) -> _E:
        value = self.read(name, kind.parse)
        if max(value.shard, value.realm, value.num) > _MAX_INT64:
            raise self.wrong(name, f"{value} is beyond 63 bits")
        return value

    def read(self, name: str, parse: Callable[[str], _T]) -> _T:
        text = self.take(name, str)
        try:
            return parse(text)
        except ValueError as error:
            raise self.wrong(name, str(error)) from error

    def absent(self, name: str) -> bool:
        return self.values.get(name) is None

    def inner(self, name: str) -> _Fields:
        return _Fields(self.remote, f"{self.path}{name}.", self.take(name, dict))

    def rows(self, name: str) -> list[_Fields]:
        rows = self.take(name, list)
        return [fields(row, self.remote, f"{self.path}{name}[{index}].") for index, row in enumerate(rows)]

    def wrong(self, name: str, what: str) -> MalformedAnswer:
        return MalformedAnswer(self.remote, f"{self.path}{name} {what}")


def fields(answer: object, remote: str, path: str = "") -> _Fields:
    """An answer's outermost object. Raises MalformedAnswer if it isn't one."""
    if not isinstance(answer, dict):
        raise MalformedAnswer(remote, f"{path.rstrip('.') or 'the answer'} is {_show(answer)}, not an object")
    return _Fields(remote, path, answer)


def messages(answer: object, remote: str) -> list[TopicMessage]:
    """`/topics/{id}/messages`: one page, in the mirror's order."""
    return [_message(row) for row in fields(answer, remote).rows("messages")]


def message(answer: object, remote: str) -> TopicMessage:
    """`/topics/{id}/messages/{sequence}`."""
    return _message(fields(answer, remote))


def submit_page(answer: object, remote: str) -> SubmitPage:
    """`/transactions`: one page, in the mirror's order, and the link to the next."""
    return SubmitPage(outcomes(answer, remote), next_link(answer, remote))


def outcomes(answer: object, remote: str) -> list[TransactionOutcome]:
    """`/transactions` and `/transactions/{id}`."""
    return [_outcome(row) for row in fields(answer, remote).rows("transactions")]


def next_link(answer: object, remote: str) -> str | None:
    """`links.next`, a path on the same mirror. Anything else there is refused, so that no answer sends us elsewhere."""
    links = fields(answer, remote).inner("links")
    if links.absent("next"):
        return None
    link = links.take("next", str)
    if not link.startswith("/api/v1/"):
        raise links.wrong("next", f"is {_show(link)}, not a path of the mirror")
    return link


def topic(answer: object, remote: str) -> MirrorTopic:
    """`/topics/{id}`."""
    row = fields(answer, remote)
    return MirrorTopic(
        topic_id=row.entity("topic_id", TopicId),
        memo=row.take("memo", str),
        deleted=row.values.get("deleted") is True,
        submit_key=_key(row, "submit_key"),
        admin_key=_key(row, "admin_key"),
        created_ns=row.time("created_timestamp"),
    )


def account(answer: object, remote: str) -> MirrorAccount:
    """`/accounts/{id}`."""
    row = fields(answer, remote)
    return MirrorAccount(
        account=row.entity("account", AccountId),
        balance_tinybar=row.inner("balance").count("balance"),
        key=_key(row, "key"),
        deleted=row.values.get("deleted") is True,
    )


def nodes(answer: object, remote: str) -> list[MirrorNode]:
    """`/network/nodes`: one page of the address book; addresses are `host:port`, domain names first."""
    return [_node(row) for row in fields(answer, remote).rows("nodes")]


def exchange_rate(answer: object, remote: str) -> ExchangeRate:
    """`/network/exchangerate`: the rate in force now."""
    rate = fields(answer, remote).inner("current_rate")
    hbar, cents = rate.count("hbar_equivalent"), rate.count("cent_equivalent")
    if hbar <= 0 or cents <= 0:
        raise rate.wrong("", f"gives {hbar} hbar for {cents} cents")
    return ExchangeRate(hbar_equivalent=hbar, cent_equivalent=cents)


def newest_ns(answer: object, remote: str) -> int:
    """`/blocks`, newest first: the last consensus timestamp that was imported; 0 before the first block."""
    blocks = fields(answer, remote).rows("blocks")
    return blocks[0].inner("timestamp").time("to") if blocks else 0


def _message(row: _Fields) -> TopicMessage:
    return TopicMessage(
        topic_id=row.entity("topic_id", TopicId),
        sequence=row.count("sequence_number"),
        consensus_ns=row.time("consensus_timestamp"),
        message=row.read("message", _base64),
        running_hash=row.read("running_hash", _base64),
        payer=row.entity("payer_account_id", AccountId),
        chunk=None if row.absent("chunk_info") else _chunk(row.inner("chunk_info")),
        running_hash_version=row.count("running_hash_version"),
    )


def _chunk(row: _Fields) -> ChunkInfo:
    initial = row.inner("initial_transaction_id")
    return ChunkInfo(
        initial=TransactionId(initial.entity("account_id", AccountId), initial.time("transaction_valid_start")),
        number=row.count("number"),
        total=row.count("total"),
    )


def _outcome(row: _Fields) -> TransactionOutcome:
    return TransactionOutcome(
        id=row.read("transaction_id", TransactionId.parse),
        consensus_ns=row.time("consensus_timestamp"),
        result=row.take("result", str),
        topic_id=None if row.absent("entity_id") else row.entity("entity_id", TopicId),
        charged_tinybar=row.count("charged_tx_fee"),
    )


def _node(row: _Fields) -> MirrorNode:
    addresses = tuple(
        f"{endpoint.values.get('domain_name') or endpoint.take('ip_address_v4', str)}:{endpoint.count('port')}"
        for endpoint in row.rows("service_endpoints")
    )
    certificate = "" if row.absent("node_cert_hash") else row.take("node_cert_hash", str)
    return MirrorNode(
        node_id=row.count("node_id"),
        account=row.entity("node_account_id", AccountId),
        addresses=addresses,
        certificate_hash=certificate.removeprefix("0x"),
    )


def _key(row: _Fields, name: str) -> MirrorKey | None:
    if row.absent(name):
        return None
    key = row.inner(name)
    return MirrorKey(kind=key.take("_type", str), public=key.read("key", bytes.fromhex))


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"is no base64: {error}") from error


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
