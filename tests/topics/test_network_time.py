"""A clock that is wrong is corrected by what nodes and mirror say, and no single wrong answer spoils a right one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.network_time import BACKDATE_NS, MAX_AHEAD_NS, MAX_SETBACK_NS, MAX_SKEW_NS, NetworkTime, elapsed_ns
from topics.values import NANOS

TRUE_NS = 1_793_600_000 * NANOS


class World:
    """The network's time, ours with its error, and a node that judges valid starts."""

    def __init__(self, error_s: float) -> None:
        self.passed_ns = 0
        self.error_ns = round(error_s * NANOS)
        self.time = NetworkTime(lambda: self.true_ns + self.error_ns, elapsed_ns=lambda: self.passed_ns)

    @property
    def true_ns(self) -> int:
        return TRUE_NS + self.passed_ns

    def attempt(self) -> bool:
        """One transaction: whether the node took it; a second passes."""
        start_ns = self.time.valid_start_ns()
        self.passed_ns += NANOS
        if start_ns > self.true_ns:
            self.time.refused(start_ns)
            return False
        if start_ns + 110 * NANOS < self.true_ns:  # ten seconds must be left
            self.time.seen(start_ns + 110 * NANOS)
            return False
        return True


def test_a_right_clock_is_left_alone() -> None:
    world = World(0)
    assert not world.time.known
    assert world.time.valid_start_ns() == TRUE_NS - BACKDATE_NS
    world.time.seen(TRUE_NS - 4 * NANOS)
    assert world.time.valid_start_ns() == TRUE_NS - BACKDATE_NS


@pytest.mark.parametrize("lag_s", [10, 3600])
def test_a_mirror_that_lags_does_not_pull_a_right_clock_back(lag_s: int) -> None:
    world = World(0)
    world.time.seen(TRUE_NS - lag_s * NANOS)
    assert world.time.valid_start_ns() == TRUE_NS - BACKDATE_NS


@given(st.floats(5, 600))
def test_a_clock_that_is_ahead_is_learnt_from_refusals_alone(error_s: float) -> None:
    world = World(error_s)
    assert any(world.attempt() for _ in range(20))


@given(st.floats(5, 10**6), st.floats(0, 10))
def test_a_refusal_and_the_mirrors_time_correct_any_clock_that_is_ahead(error_s: float, lag_s: float) -> None:
    world = World(error_s)
    assert not world.attempt()
    world.time.seen(world.true_ns - round(lag_s * NANOS))
    assert any(world.attempt() for _ in range(3))
    assert world.true_ns - world.time.valid_start_ns() < 60 * NANOS


@given(st.floats(110, 590))
def test_a_clock_that_is_behind_is_learnt_from_what_expired(error_s: float) -> None:
    world = World(-error_s)
    assert any(world.attempt() for _ in range(10))


@given(st.floats(0, 590), st.floats(0, 10))
def test_a_clock_that_is_behind_follows_the_mirror_at_once(error_s: float, lag_s: float) -> None:
    world = World(-error_s)
    world.time.seen(world.true_ns - round(lag_s * NANOS))
    assert world.attempt()


def test_a_time_absurdly_far_ahead_is_not_believed() -> None:
    world = World(0)
    world.time.seen(TRUE_NS + MAX_SKEW_NS + 1)
    world.time.seen(0)
    assert not world.time.known


@pytest.mark.parametrize("error_s", [-3600, -(10**6)])
def test_a_clock_hours_behind_is_corrected_once_a_node_and_the_mirror_say_so(error_s: int) -> None:
    world = World(error_s)
    world.time.seen(world.true_ns)
    assert not world.time.known  # a mirror alone may be wrong
    world.time.expired(world.time.valid_start_ns())
    world.time.seen(world.true_ns)
    assert world.attempt()


def test_an_id_that_grew_old_says_nothing_of_our_clock() -> None:
    world = World(0)
    world.time.expired(world.time.valid_start_ns() - MAX_SETBACK_NS - 1)
    world.time.seen(TRUE_NS + MAX_SKEW_NS + 1)
    assert not world.time.known


def test_a_mirror_that_is_ahead_is_disproved_by_a_node() -> None:
    world = World(0)
    world.time.seen(TRUE_NS + MAX_SKEW_NS - NANOS)
    assert not world.attempt()
    world.time.seen(world.true_ns)
    assert any(world.attempt() for _ in range(3))


def test_by_how_much_our_clock_is_off_is_said_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world = World(0)
    world.time.seen(world.true_ns)
    assert world.time.clock_ahead_s() == 0
    world.error_ns = -3600 * NANOS
    assert [world.time.clock_ahead_s() for _ in range(2)] == [-3600, -3600]
    world.error_ns = 3600 * NANOS
    world.time.refused(world.time.valid_start_ns())
    assert world.time.clock_ahead_s() == 3600
    world.error_ns = 50 * NANOS
    assert world.time.clock_ahead_s() == 0
    assert caplog.messages == [
        "this machine's clock is 3600 s behind the network's; let NTP set it",
        "this machine's clock agrees with the network's again",
    ]


def test_one_node_that_always_refuses_moves_the_start_a_bounded_way() -> None:
    world = World(0)
    for _ in range(100):
        before_ns = world.time.valid_start_ns()
        world.time.refused(before_ns)
        assert before_ns - world.time.valid_start_ns() <= MAX_SETBACK_NS
    assert world.time.valid_start_ns() == TRUE_NS - BACKDATE_NS - MAX_SKEW_NS
    world.time.seen(TRUE_NS - 2 * NANOS)
    assert TRUE_NS - world.time.valid_start_ns() <= BACKDATE_NS + 2 * NANOS


def test_a_clock_that_was_set_right_is_followed_again() -> None:
    world = World(3600)
    world.attempt()
    world.time.seen(world.true_ns)
    world.error_ns = 0
    assert abs(world.time.valid_start_ns() - (world.true_ns - BACKDATE_NS)) <= MAX_AHEAD_NS


def test_elapsed_time_goes_on() -> None:
    assert elapsed_ns() <= elapsed_ns()
