"""Which request an idempotency key stood for, and what it was answered."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_

from bridge.errors import IdempotencyConflict
from bridge.protocol.values import EVENT_ID_BYTES
from bridge.schema import idempotency
from bridge.statements import sliced

Name: TypeAlias = tuple[str, str]
"""The API key's name, and the idempotency key that its holder chose."""

# Made once: building a statement costs more than running it.
_BY_NAME = select(idempotency).where(
    tuple_(idempotency.c.api_key, idempotency.c.key).in_(bindparam("names", expanding=True))
)
_KEEP = insert(idempotency)


@dataclass(frozen=True, slots=True)
class Answer:
    """The ids that a request was answered with, and the SHA-256 of its body."""

    body_hash: bytes
    event_ids: tuple[bytes, ...]
    accepted_ms: int

    def check(self, other: Answer, name: Name) -> None:
        """Raises IdempotencyConflict if the request that gets `other` under this name has another body."""
        if not hmac.compare_digest(self.body_hash, other.body_hash):
            raise IdempotencyConflict(name[1])


def earlier(connection: Connection, names: Collection[Name]) -> dict[Name, Answer]:
    """What requests under these names were answered before; a name that is new is left out."""
    return {
        (row.api_key, row.key): Answer(row.body_hash, _split(row.event_ids), row.accepted_ms)
        for some in sliced(names)
        for row in connection.execute(_BY_NAME, {"names": some})
    }


def keep(connection: Connection, answers: Sequence[tuple[Name, Answer]]) -> None:
    """Remember what requests under these names, each of them new, are answered with."""
    rows = [
        {
            "api_key": api_key,
            "key": key,
            "body_hash": answer.body_hash,
            "event_ids": b"".join(answer.event_ids),
            "accepted_ms": answer.accepted_ms,
        }
        for (api_key, key), answer in answers
    ]
    if rows:
        connection.execute(_KEEP, rows)


def forget(connection: Connection, *, before_ms: int) -> None:
    """Drop what was remembered before that moment."""
    connection.execute(delete(idempotency).where(idempotency.c.accepted_ms < before_ms))


def _split(ids: bytes) -> tuple[bytes, ...]:
    return tuple(ids[at : at + EVENT_ID_BYTES] for at in range(0, len(ids), EVENT_ID_BYTES))
