"""Idempotency keys: the same request gets the same answer, another one under its key is refused."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from bridge.errors import IdempotencyConflict
from bridge.publish import idempotency

IDS = (b"a" * 16, b"b" * 16)
REQUEST = ("key", b"h" * 32)


def keep(connection: Connection, *, now_ms: int = 10) -> None:
    idempotency.keep(connection, "backend", REQUEST, event_ids=IDS, now_ms=now_ms)


def test_the_same_request_gets_the_same_ids(connection: Connection) -> None:
    assert idempotency.earlier(connection, "backend", REQUEST) is None
    keep(connection)
    assert idempotency.earlier(connection, "backend", REQUEST) == IDS


def test_another_body_under_the_key_is_a_conflict(connection: Connection) -> None:
    keep(connection)
    with pytest.raises(IdempotencyConflict, match="'key'"):
        idempotency.earlier(connection, "backend", ("key", b"i" * 32))


def test_keys_of_other_senders_are_other_keys(connection: Connection) -> None:
    keep(connection)
    assert idempotency.earlier(connection, "another", ("key", b"i" * 32)) is None


def test_what_is_old_is_forgotten(connection: Connection) -> None:
    keep(connection, now_ms=10)
    idempotency.forget(connection, before_ms=10)
    assert idempotency.earlier(connection, "backend", REQUEST) == IDS
    idempotency.forget(connection, before_ms=11)
    assert idempotency.earlier(connection, "backend", REQUEST) is None
