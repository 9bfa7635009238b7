"""Load spreads over the nodes that answer; a node that fails is left alone, longer each time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.ledger.nodes import Node, Nodes
from topics.values import AccountId

A, B, C = (Node(AccountId(0, 0, num), f"127.0.0.1:{num}") for num in (3, 4, 5))


def three() -> Nodes:
    return Nodes([A, B, C], backoff_initial_s=1.0, backoff_max_s=8.0)


def test_turns_go_round() -> None:
    nodes = three()
    assert [nodes.pick(0.0) for _ in range(5)] == [A, B, C, A, B]
    assert list(nodes) == [A, B, C]
    assert len(nodes) == 3


def test_a_failing_node_is_left_out_until_its_back_off_ends() -> None:
    nodes = three()
    nodes.failed(B, 10.0)
    assert {nodes.pick(10.5) for _ in range(4)} == {A, C}
    assert B in {nodes.pick(11.0) for _ in range(3)}


def test_back_off_doubles_up_to_its_maximum_and_an_answer_ends_it() -> None:
    nodes = Nodes([A, B], backoff_initial_s=1.0, backoff_max_s=8.0)
    for pause in (1.0, 2.0, 4.0, 8.0, 8.0):
        nodes.failed(A, 0.0)
        assert not nodes.any_ready(pause - 0.01, avoid=[B.account])
        assert nodes.any_ready(pause, avoid=[B.account])
    assert nodes.failures() == {A.account: 5, B.account: 0}
    nodes.answered(A)
    assert nodes.failures()[A.account] == 0
    assert A in {nodes.pick(0.0), nodes.pick(0.0)}


def test_those_tried_before_are_avoided_while_there_are_others() -> None:
    nodes = three()
    assert nodes.pick(0.0, avoid={A.account, B.account}) == C
    assert nodes.pick(0.0, avoid={A.account, B.account, C.account}) in {A, B, C}
    assert not nodes.any_ready(0.0, avoid={A.account, B.account, C.account})


def test_where_all_back_off_the_one_due_first_is_asked() -> None:
    nodes = three()
    for at, node in enumerate([C, A, B]):
        nodes.failed(node, float(at))
    assert nodes.pick(0.5) == C
    assert {nodes.pick(2.0), nodes.pick(2.0)} == {C, A}


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.booleans(), st.floats(0, 100)), max_size=40))
def test_there_is_always_an_answer(history: list[tuple[Node, bool, float]]) -> None:
    nodes = three()
    for node, fine, now in history:
        if fine:
            nodes.answered(node)
        else:
            nodes.failed(node, now)
        assert nodes.pick(now) in {A, B, C}


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Nodes([], backoff_initial_s=1.0, backoff_max_s=8.0)
    with pytest.raises(ValueError, match="same account"):
        Nodes([A, Node(A.account, "127.0.0.1:9")], backoff_initial_s=1.0, backoff_max_s=8.0)
    assert str(A) == "node 0.0.3 at 127.0.0.1:3"


def test_replaced_nodes_take_over_and_one_that_stays_keeps_its_health() -> None:
    nodes = three()
    for failing in (A, B):
        nodes.failed(failing, 0.0)
    moved = Node(B.account, "127.0.0.1:99")
    nodes.replace([A, moved])
    assert list(nodes) == [A, moved]
    assert nodes.failures() == {A.account: 1, B.account: 0}
    nodes.failed(C, 0.0)  # its answer was on the way
    nodes.answered(B)
    assert nodes.failures() == {A.account: 1, B.account: 0}
    assert nodes.pick(0.0) == moved
