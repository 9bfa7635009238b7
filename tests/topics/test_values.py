"""The values of HCS: what is written can be read back, and what isn't one is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.values import AccountId, EntityId, TopicId, TransactionId, format_timestamp, parse_timestamp

numbers = st.integers(0, 10**19 - 1)
times = st.integers(0, 10**21 - 1)


@given(numbers, numbers, numbers)
def test_entity_ids_come_back(shard: int, realm: int, num: int) -> None:
    topic_id = TopicId(shard, realm, num)
    assert TopicId.parse(str(topic_id)) == topic_id
    assert str(TopicId.parse(f"{shard}.{realm}.{num}")) == f"{shard}.{realm}.{num}"


def test_a_topic_is_not_an_account() -> None:
    assert isinstance(TopicId.parse("0.0.7"), TopicId)
    assert len({TopicId(0, 0, 7), AccountId(0, 0, 7), EntityId(0, 0, 7)}) == 3


@given(numbers, times)
def test_transaction_ids_come_back_from_both_spellings(num: int, valid_start_ns: int) -> None:
    transaction_id = TransactionId(AccountId(0, 0, num), valid_start_ns)
    assert TransactionId.parse(str(transaction_id)) == transaction_id
    seconds, nanos = divmod(valid_start_ns, 10**9)
    assert str(transaction_id) == f"0.0.{num}-{seconds}-{nanos:09d}"
    assert TransactionId.parse(f"0.0.{num}@{seconds}.{nanos:09d}") == transaction_id


@given(times)
def test_timestamps_come_back(ns: int) -> None:
    assert parse_timestamp(format_timestamp(ns)) == ns
    assert len(format_timestamp(ns).partition(".")[2]) == 9


@pytest.mark.parametrize(("text", "ns"), [("5", 5 * 10**9), ("5.5", 5_500_000_000), ("5.000000001", 5_000_000_001)])
def test_fewer_decimals_are_a_fraction(text: str, ns: int) -> None:
    assert parse_timestamp(text) == ns


@pytest.mark.parametrize(
    "text", ["", "7", "0.0", "0.0.-7", "0.0.7 ", " 0.0.7", "0.0.7-abcde", "0.0.x", "0.0.7\n", "1.2.3.4"]
)
def test_what_is_no_id_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not an id like"):
        TopicId.parse(text)


@pytest.mark.parametrize("text", ["", ".5", "5.", "-5", "5.0000000001", "5,5", "5 ", "1e9"])
def test_what_is_no_timestamp_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a timestamp"):
        parse_timestamp(text)


@pytest.mark.parametrize("text", ["0.0.7", "0.0.7-5", "0.0.7@5", "0.0.7-5-0000000001", "x-5-1", "0.0.7/5/1"])
def test_what_is_no_transaction_id_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a transaction id"):
        TransactionId.parse(text)
