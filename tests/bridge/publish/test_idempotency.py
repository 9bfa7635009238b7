"""Idempotency keys: the same request gets the same answer, another one under its key is refused."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from bridge.errors import IdempotencyConflict
from bridge.publish import idempotency
from bridge.publish.idempotency import Answer
from bridge.statements import MAX_IN

NAME = ("backend", "key")
ANSWER = Answer(b"h" * 32, (b"a" * 16, b"b" * 16), 10)


def test_the_same_request_gets_the_same_ids(connection: Connection) -> None:
    assert idempotency.earlier(connection, [NAME]) == {}
    idempotency.keep(connection, [(NAME, ANSWER)])
    assert idempotency.earlier(connection, [NAME]) == {NAME: ANSWER}
    ANSWER.check(Answer(b"h" * 32, (), 11), NAME)


def test_another_body_under_the_key_is_a_conflict() -> None:
    with pytest.raises(IdempotencyConflict, match="'key'"):
        ANSWER.check(Answer(b"i" * 32, (), 11), NAME)


def test_keys_of_other_senders_are_other_keys(connection: Connection) -> None:
    idempotency.keep(connection, [(NAME, ANSWER), (("another", "other"), ANSWER)])
    assert idempotency.earlier(connection, [("another", "key"), ("backend", "other")]) == {}


def test_more_keys_than_one_statement_takes_are_found(connection: Connection) -> None:
    names = [("backend", f"key {number}") for number in range(2 * MAX_IN + 1)]
    idempotency.keep(connection, [(name, ANSWER) for name in names])
    assert set(idempotency.earlier(connection, names)) == set(names)


def test_what_is_old_is_forgotten(connection: Connection) -> None:
    idempotency.keep(connection, [(NAME, ANSWER)])
    idempotency.forget(connection, before_ms=10)
    assert idempotency.earlier(connection, [NAME]) == {NAME: ANSWER}
    idempotency.forget(connection, before_ms=11)
    assert idempotency.earlier(connection, [NAME]) == {}
