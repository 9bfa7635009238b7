"""Which request an idempotency key stood for, and what it was answered."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from bridge.errors import IdempotencyConflict
from bridge.protocol.values import EVENT_ID_BYTES
from bridge.schema import idempotency


def earlier(connection: Connection, api_key: str, request: tuple[str, bytes]) -> tuple[bytes, ...] | None:
    """The ids that this request was answered with before, or None. `request` is the key and the body's SHA-256.

    Raises IdempotencyConflict if the key stood for another body.
    """
    key, body_hash = request
    found = select(idempotency.c.body_hash, idempotency.c.event_ids).where(
        idempotency.c.api_key == api_key, idempotency.c.key == key
    )
    row = connection.execute(found).one_or_none()
    if row is None:
        return None
    if not hmac.compare_digest(row.body_hash, body_hash):
        raise IdempotencyConflict(key)
    ids: bytes = row.event_ids
    return tuple(ids[at : at + EVENT_ID_BYTES] for at in range(0, len(ids), EVENT_ID_BYTES))


def keep(
    connection: Connection, api_key: str, request: tuple[str, bytes], *, event_ids: Sequence[bytes], now_ms: int
) -> None:
    """Remember what this request was answered with."""
    key, body_hash = request
    row = {
        "api_key": api_key,
        "key": key,
        "body_hash": body_hash,
        "event_ids": b"".join(event_ids),
        "accepted_ms": now_ms,
    }
    connection.execute(insert(idempotency).values(row))


def forget(connection: Connection, *, before_ms: int) -> None:
    """Drop what was remembered before that moment."""
    connection.execute(delete(idempotency).where(idempotency.c.accepted_ms < before_ms))
