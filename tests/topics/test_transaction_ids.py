"""Transaction ids never repeat: not in a burst, not across threads, not when a clock goes back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.network_time import BACKDATE_NS, NetworkTime
from topics.transaction_ids import TransactionIds
from topics.values import NANOS, AccountId, TransactionId

PAYER = AccountId(0, 0, 1001)
NOW_NS = 1_793_600_000 * 10**9


@given(st.lists(st.integers(-(10**10), 10**10), max_size=30), st.integers(0, 2 * NOW_NS))
def test_ids_only_ever_grow(steps: list[int], last_ns: int) -> None:
    clock = Jumping()
    ids = TransactionIds(PAYER, last_ns=last_ns, now_ns=clock.now, network=clock.network())
    given_out = []
    for clock.ahead_ns in steps:
        given_out.append(ids.next().valid_start_ns)
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


@given(st.integers(0, 99), st.integers(0, 2 * NOW_NS), st.integers(1, 50))
def test_the_last_digits_are_our_nodes(node_number: int, last_ns: int, count: int) -> None:
    ids = TransactionIds(PAYER, last_ns=last_ns, now_ns=lambda: NOW_NS, node_number=node_number)
    starts = [ids.next().valid_start_ns for _ in range(count)]
    assert {start % 100 for start in starts} == {node_number}
    assert starts == sorted(set(starts))
    assert starts[0] > last_ns


def test_there_are_a_hundred_node_numbers() -> None:
    with pytest.raises(ValueError, match="0 to 99"):
        TransactionIds(PAYER, last_ns=0, now_ns=lambda: NOW_NS, node_number=100)


class Jumping:
    """A clock that can be set, beside one that can't."""

    def __init__(self) -> None:
        self.passed_ns = 0
        self.ahead_ns = 0

    def now(self) -> int:
        return NOW_NS + self.passed_ns + self.ahead_ns

    def network(self) -> NetworkTime:
        return NetworkTime(self.now, elapsed_ns=lambda: self.passed_ns)


HOUR_NS = 3600 * NANOS


def test_after_a_jump_forward_the_counter_steps_back_to_the_networks_time() -> None:
    clock = Jumping()
    taken: set[TransactionId] = set()
    ids = TransactionIds(PAYER, last_ns=0, now_ns=clock.now, network=clock.network(), is_taken=lambda id_: id_ in taken)
    taken.add(ids.next())
    clock.ahead_ns = HOUR_NS
    early = ids.next()
    taken.add(early)
    assert early.valid_start_ns > NOW_NS + HOUR_NS - 4 * NANOS
    ids.network.refused(early.valid_start_ns)
    ids.network.seen(NOW_NS - 2 * NANOS)
    again = ids.next()
    assert NOW_NS - 4 * NANOS <= again.valid_start_ns <= NOW_NS
    assert again not in taken


def test_a_jump_that_is_over_at_a_restart_is_not_waited_out() -> None:
    """The highest id on record lies an hour ahead; our clock is right again, and the mirror agrees."""
    clock = Jumping()
    ids = TransactionIds(PAYER, last_ns=NOW_NS + HOUR_NS, now_ns=clock.now, network=clock.network())
    assert ids.next().valid_start_ns > NOW_NS + HOUR_NS  # nothing is known yet: our clock may as well be the wrong one
    ids.network.seen(NOW_NS - 2 * NANOS)
    assert ids.next().valid_start_ns == NOW_NS - BACKDATE_NS


def test_what_is_on_record_is_passed_over() -> None:
    clock = Jumping()
    used = {TransactionId(PAYER, NOW_NS - BACKDATE_NS + 100 * step) for step in (0, 1, 2, 4)}
    ids = TransactionIds(
        PAYER,
        last_ns=NOW_NS + HOUR_NS,
        now_ns=clock.now,
        network=clock.network(),
        is_taken=used.__contains__,
    )
    ids.network.seen(NOW_NS)
    drawn = [ids.next().valid_start_ns - (NOW_NS - BACKDATE_NS) for _ in range(3)]
    assert drawn == [300, 500, 600]


def test_within_five_seconds_the_counter_goes_on() -> None:
    clock = Jumping()
    ids = TransactionIds(PAYER, last_ns=0, now_ns=clock.now, network=clock.network())
    ids.network.seen(NOW_NS - 2 * NANOS)
    first = ids.next().valid_start_ns
    clock.ahead_ns = -4 * NANOS
    assert ids.next().valid_start_ns == first + 100


@given(st.lists(st.tuples(st.sampled_from(["draw", "seen", "refused", "jump", "pass"]), st.integers(-7200, 7200))))
def test_whatever_clocks_and_nodes_do_no_id_is_drawn_twice(moves: list[tuple[str, int]]) -> None:
    clock = Jumping()
    drawn: set[TransactionId] = set()
    ids = TransactionIds(PAYER, last_ns=0, now_ns=clock.now, network=clock.network(), is_taken=lambda id_: id_ in drawn)
    for move, seconds in moves:
        match move:
            case "draw":
                for _ in range(3):
                    fresh = ids.next()
                    assert fresh not in drawn
                    drawn.add(fresh)
            case "seen":
                ids.network.seen(NOW_NS + seconds * NANOS)
            case "refused":
                ids.network.refused(NOW_NS + seconds * NANOS)
            case "jump":
                clock.ahead_ns = seconds * NANOS
            case _:
                clock.passed_ns += abs(seconds) * NANOS
