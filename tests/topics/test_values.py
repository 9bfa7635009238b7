"""Ids and timestamps survive the way to text and back, to the nanosecond; anything else is refused with its text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.values import NANOS, AccountId, EntityId, TopicId, TransactionId, format_timestamp, parse_timestamp

NUMBERS = st.integers(0, 2**63 - 1)
TIMES = st.integers(0, 10**12 * NANOS - 1)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_ids_come_back(shard: int, realm: int, num: int) -> None:
    topic_id = TopicId(shard, realm, num)
    assert TopicId.parse(str(topic_id)) == topic_id


@given(TIMES)
def test_every_nanosecond_comes_back(ns: int) -> None:
    assert parse_timestamp(format_timestamp(ns)) == ns


@given(NUMBERS, TIMES)
def test_transaction_ids_come_back_from_both_spellings(num: int, ns: int) -> None:
    transaction_id = TransactionId(AccountId(0, 0, num), ns)
    mirrors = str(transaction_id)
    assert TransactionId.parse(mirrors) == transaction_id
    payer, seconds, nanos = mirrors.rsplit("-", 2)
    assert TransactionId.parse(f"{payer}@{seconds}.{nanos}") == transaction_id


def test_short_fractions_are_read_as_the_mirror_reads_them() -> None:
    assert parse_timestamp("5") == 5 * NANOS
    assert parse_timestamp("5.25") == 5 * NANOS + 250_000_000


@pytest.mark.parametrize("text", ["", "0.0", "0.0.x", "0.0.-1", "0.0.7 ", "0.0.7-vfmkw", "0.0.99999999999999999999"])
def test_other_texts_are_no_ids(text: str) -> None:
    with pytest.raises(ValueError, match="is not an id like"):
        EntityId.parse(text)


@pytest.mark.parametrize("text", ["", "1.", ".1", "1.0000000001", "-1", "1e9", "1,5"])
def test_other_texts_are_no_timestamps(text: str) -> None:
    with pytest.raises(ValueError, match="is not a timestamp like"):
        parse_timestamp(text)


def test_a_topic_is_no_account() -> None:
    ids: set[EntityId] = {TopicId(0, 0, 7), AccountId(0, 0, 7)}
    assert len(ids) == 2
