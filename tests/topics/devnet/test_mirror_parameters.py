"""Query parameters are read as the mirror reads them: strictly, but for the limit."""

from __future__ import annotations

import pytest

from topics.devnet.mirror_parameters import (
    BadRequest,
    Parameters,
    Span,
    read_account,
    read_topic,
    read_transaction_id,
)
from topics.values import AccountId, TopicId, TransactionId

KNOWN = ("limit", "order", "sequencenumber", "timestamp", "account.id")


def read(query_string: str) -> Parameters:
    return Parameters(query_string, KNOWN)


def test_unknown_parameters_are_named() -> None:
    with pytest.raises(BadRequest) as caught:
        read("limit=1&foo=1&bar=2&foo=3")
    assert caught.value.messages == ("Unknown query parameter: foo", "Unknown query parameter: bar")


@pytest.mark.parametrize(("text", "limit"), [("", 25), ("limit=1", 1), ("limit=100", 100), ("limit=5000", 100)])
def test_limit(text: str, limit: int) -> None:
    assert read(text).limit == limit


@pytest.mark.parametrize("text", ["limit=0", "limit=-1", "limit=x", "limit=", "limit=1&limit=2"])
def test_limits_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="Invalid parameter: limit"):
        _ = read(text).limit


def test_order() -> None:
    assert read("").descending(default="desc")
    assert not read("order=ASC").descending(default="desc")
    for text in ("order=up", "order=asc&order=desc"):
        with pytest.raises(BadRequest, match="Invalid parameter: order"):
            read(text).descending(default="asc")


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("7", 7, 7),
        ("eq:7", 7, 7),
        ("gt:7", 8, Span().high),
        ("gte:7", 7, Span().high),
        ("lt:7", 0, 6),
        ("lte:7", 0, 7),
    ],
)
def test_comparisons(text: str, low: int, high: int) -> None:
    span = read(f"sequencenumber={text}").sequence_numbers()
    assert (span.low, span.high) == (low, high)


def test_two_make_a_range() -> None:
    span = read("sequencenumber=gt:2&sequencenumber=lte:9").sequence_numbers()
    assert span == Span(3, 9, closed_low=True, closed_high=True)
    times = read("timestamp=gte:1.5&timestamp=lt:2").timestamps()
    assert (times.low, times.high) == (1_500_000_000, 1_999_999_999)


@pytest.mark.parametrize("text", ["gt:0", "0", "gte:0", "x", "ne:1", "gt:-1", "", str(1 << 63)])
def test_sequence_numbers_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="Invalid parameter: sequencenumber"):
        read(f"sequencenumber={text}").sequence_numbers()


@pytest.mark.parametrize("text", ["x", "1.2.3", "gt:", "1.0000000001"])
def test_timestamps_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="Invalid parameter: timestamp"):
        read(f"timestamp={text}").timestamps()


def test_accounts_may_repeat_up_to_a_hundred_times() -> None:
    assert read("account.id=0.0.3&account.id=eq:4").accounts("account.id") == [AccountId(0, 0, 3), AccountId(0, 0, 4)]
    assert len(read("&".join(["account.id=0.0.3"] * 100)).accounts("account.id")) == 100
    with pytest.raises(BadRequest, match=r"account\.id"):
        read("&".join(["account.id=0.0.3"] * 101)).accounts("account.id")


def test_ids() -> None:
    for text in ("0.0.7", "0.7", "7"):
        assert read_topic(text) == TopicId(0, 0, 7)
    assert read_account("0.0.7", "account.id") == AccountId(0, 0, 7)
    for text in ("x", "0.0.0.7", "-7", ""):
        with pytest.raises(BadRequest):
            read_topic(text)


def test_transaction_ids_take_dashes_only() -> None:
    assert read_transaction_id("0.0.7-12-000000005") == TransactionId(AccountId(0, 0, 7), 12_000_000_005)
    for text in ("0.0.7@12.000000005", "x", "0.0.7-12"):
        with pytest.raises(BadRequest, match="Invalid Transaction id"):
            read_transaction_id(text)
