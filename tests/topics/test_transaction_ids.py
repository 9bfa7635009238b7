"""Transaction ids never repeat: not in a burst, not across threads, not when a clock goes back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.transaction_ids import BACKDATE_NS, TransactionIds
from topics.values import AccountId

PAYER = AccountId(0, 0, 1001)
NOW_NS = 1_793_600_000 * 10**9


@given(st.lists(st.integers(-(10**10), 10**10), max_size=30), st.integers(0, 2 * NOW_NS))
def test_ids_only_ever_grow(steps: list[int], last_ns: int) -> None:
    times = iter([NOW_NS + step for step in steps])
    ids = TransactionIds(PAYER, last_ns=last_ns, now_ns=lambda: next(times))
    given_out = [ids.next().valid_start_ns for _ in steps]
    assert given_out == sorted(set(given_out))
    assert all(valid_start_ns > last_ns for valid_start_ns in given_out)


def test_a_window_opens_a_little_in_the_past() -> None:
    ids = TransactionIds(PAYER, last_ns=0, now_ns=lambda: NOW_NS)
    first = ids.next()
    assert (first.payer, first.valid_start_ns) == (PAYER, NOW_NS - BACKDATE_NS)


@pytest.fixture
def _eager_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_eager_switching")
def test_threads_never_get_the_same_id() -> None:
    """The database's writer draws ids, and the event loop does."""
    ids = TransactionIds(PAYER, last_ns=0, now_ns=lambda: NOW_NS)
    with ThreadPoolExecutor(4) as threads:
        drawn = [each for part in threads.map(lambda _: [ids.next() for _ in range(5_000)], range(4)) for each in part]
    assert len(set(drawn)) == 20_000
