"""What the directory says is HCS-2's, and only what lists a topic is read as such."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.directory import MARK, MEMO, registered, registration
from topics.values import TopicId


def test_a_registration_is_one_that_any_reader_of_hcs_2_takes() -> None:
    assert json.loads(registration(TopicId(0, 0, 7001))) == {"p": "hcs-2", "op": "register", "t_id": "0.0.7001"}
    assert MEMO == "hcs-2:0:86400"
    assert MEMO.startswith(MARK)


@given(st.integers(min_value=1, max_value=2**63 - 1))
def test_what_is_written_is_read(num: int) -> None:
    assert registered(registration(TopicId(0, 0, num))) == TopicId(0, 0, num)


def test_what_others_add_is_passed_over() -> None:
    message = {"t_id": "0.0.7", "op": "register", "p": "hcs-2", "metadata": "hcs://1/0.0.9", "m": "a memo", "x": [1]}
    assert registered(json.dumps(message).encode()) == TopicId(0, 0, 7)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff\xfe",
        b"7",
        b"[]",
        b"{}",
        b'{"p":"hcs-2","op":"register"}',
        b'{"p":"hcs-2","op":"register","t_id":7}',
        b'{"p":"hcs-2","op":"register","t_id":"me"}',
        b'{"p":"hcs-2","op":"delete","t_id":"0.0.7","uid":"3"}',
        b'{"p":"hcs-2","op":"migrate","t_id":"0.0.7"}',
        b'{"p":"hcs-10","op":"register","t_id":"0.0.7"}',
    ],
)
def test_anything_else_lists_no_topic(message: bytes) -> None:
    assert registered(message) is None


@given(st.binary())
def test_no_bytes_are_too_much_for_it(message: bytes) -> None:
    assert registered(message) is None
