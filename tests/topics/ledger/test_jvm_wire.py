"""Frames survive a pipe that cuts where it likes; nonsense on it is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.ledger.jvm_wire import (
    MAX_FRAME_BYTES,
    Answer,
    AskBalance,
    AskReceipt,
    BrokenPipeTalk,
    Carry,
    NoAnswer,
    Ready,
    Reply,
    Request,
    Target,
    frame,
    replies,
    requests,
)

NUMBERS = st.integers(1, 2**63 - 1)
NODES = st.builds(Target, st.text(), st.text(), st.binary(max_size=100))
REPLIES = st.one_of(
    st.builds(Ready, st.text()),
    st.builds(Answer, NUMBERS, st.text(), st.binary(max_size=500)),
    st.builds(NoAnswer, NUMBERS, st.text()),
)
REQUESTS = st.one_of(
    st.builds(Carry, NUMBERS, NODES, st.floats(0, 100), st.binary(max_size=6144)),
    st.builds(AskReceipt, NUMBERS, NODES, st.floats(0, 100), st.text()),
    st.builds(AskBalance, NUMBERS, NODES, st.floats(0, 100), st.text()),
)


@given(values=st.lists(REPLIES, max_size=5), size=st.integers(1, 50))
def test_replies_arrive_however_they_are_cut(values: list[Ready | Reply], size: int) -> None:
    data, frames = b"".join(map(frame, values)), replies()
    assert [value for start in range(0, len(data), size) for value in frames.feed(data[start : start + size])] == values


@given(values=st.lists(REQUESTS, max_size=5), size=st.integers(1, 500), tail=st.binary(max_size=3))
def test_so_do_requests(values: list[Request], size: int, tail: bytes) -> None:
    data, frames = b"".join(map(frame, values)) + tail, requests()
    assert [value for start in range(0, len(data), size) for value in frames.feed(data[start : start + size])] == values


def test_a_length_that_cannot_be_is_nonsense() -> None:
    with pytest.raises(BrokenPipeTalk):
        requests().feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
