"""Prices come out as published, to the tinycent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.fees import (
    TINYCENTS_PER_USD,
    ExchangeRate,
    Fee,
    create_account_fee,
    create_topic_fee,
    submit_fee,
    transfer_fee,
)


@pytest.mark.parametrize(
    ("message_bytes", "usd"),
    [(1, 0.00017), (100, 0.00017), (300, 0.000306), (500, 0.000442), (1024, 0.00079832)],
)
def test_submit_by_size(message_bytes: int, usd: float) -> None:
    assert submit_fee(message_bytes=message_bytes).total == round(usd * TINYCENTS_PER_USD)


def test_what_is_added() -> None:
    plain = submit_fee(message_bytes=10)
    assert submit_fee(message_bytes=10, signatures=2).total - plain.total == TINYCENTS_PER_USD // 10_000
    assert submit_fee(message_bytes=10, transaction_bytes=1350) == plain
    assert submit_fee(message_bytes=10, transaction_bytes=1352).total - plain.total == 2 * TINYCENTS_PER_USD // 100_000


def test_topics_accounts_transfers() -> None:
    assert create_topic_fee(keys=0).total == TINYCENTS_PER_USD // 100
    assert create_topic_fee(keys=1).total == TINYCENTS_PER_USD * 2 // 100
    assert create_account_fee().total == TINYCENTS_PER_USD * 5 // 100
    assert transfer_fee().total == TINYCENTS_PER_USD // 10_000


def test_a_duplicate_pays_node_and_network() -> None:
    assert submit_fee(message_bytes=10).without_service() == Fee(node=100_000, network=900_000, service=0)


@given(tinycents=st.integers(0, 10**15), hbar=st.integers(1, 10**6), cents=st.integers(1, 10**8))
def test_the_rate_rounds_down_both_ways(tinycents: int, hbar: int, cents: int) -> None:
    rate = ExchangeRate(hbar, cents)
    tinybar = rate.tinybar(tinycents)
    assert tinybar * cents <= tinycents * hbar < (tinybar + 1) * cents
    assert rate.tinycents(tinybar) <= tinycents
