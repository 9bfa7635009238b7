"""Values survive the way into the protobufs and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.devnet import protos
from topics.ledger.hapi import basic_types
from topics.values import AccountId, TopicId, TransactionId

NUMBERS = st.integers(0, 2**63 - 1)


@given(num=NUMBERS, start_ns=st.integers(0, 10**20))
def test_round_trip(num: int, start_ns: int) -> None:
    account_id, topic_id = AccountId(0, 0, num), TopicId(0, 0, num)
    assert protos.read_account(protos.account(account_id)) == account_id
    assert protos.read_topic(protos.topic(topic_id)) == topic_id
    transaction_id = TransactionId(account_id, start_ns)
    assert protos.read_transaction_id(protos.transaction_id(transaction_id)) == transaction_id


def test_aliases_are_not_known() -> None:
    assert protos.read_account(basic_types.AccountID(alias=b"x")) is None
    assert protos.read_account(basic_types.AccountID()) is None


@pytest.mark.parametrize("change", [{"nonce": 1}, {"scheduled": True}])
def test_ids_that_no_client_may_make(change: dict[str, int]) -> None:
    proto = protos.transaction_id(TransactionId(AccountId(0, 0, 2), 5))
    proto.MergeFrom(basic_types.TransactionID(**change))  # type: ignore[arg-type]
    assert protos.read_transaction_id(proto) is None


def test_an_id_without_a_start() -> None:
    proto = basic_types.TransactionID(accountID=protos.account(AccountId(0, 0, 2)))
    assert protos.read_transaction_id(proto) is None


def test_times_to_the_nanosecond() -> None:
    assert protos.read_time(protos.time(1_234_567_890_123_456_789)) == 1_234_567_890_123_456_789


def test_a_line_of_the_address_book() -> None:
    [by_number] = protos.node_address(0, AccountId(0, 0, 3), "10.0.0.1:50211").serviceEndpoint
    assert (by_number.ipAddressV4, by_number.port, by_number.domain_name) == (bytes([10, 0, 0, 1]), 50211, "")
    [by_name] = protos.node_address(0, AccountId(0, 0, 3), "localhost:50211").serviceEndpoint
    assert (by_name.ipAddressV4, by_name.port, by_name.domain_name) == (b"", 50211, "localhost")


def test_seconds() -> None:
    assert protos.seconds(120).seconds == 120
