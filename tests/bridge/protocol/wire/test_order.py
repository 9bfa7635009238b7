"""The next frame passes, an old one is a replay, a hole halts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProducerGap
from bridge.protocol.wire.order import is_replay


@given(st.integers(0, 2**40), st.integers(1, 2**40))
def test_only_the_next_one_is_taken(last: int, got: int) -> None:
    if got > last + 1:
        with pytest.raises(ProducerGap) as caught:
            is_replay("0.0.7", last=last, got=got)
        assert (caught.value.expected, caught.value.got) == (last + 1, got)
    else:
        assert is_replay("0.0.7", last=last, got=got) == (got != last + 1)


def test_the_first_frame_has_number_one() -> None:
    assert not is_replay("0.0.7", last=0, got=1)
    with pytest.raises(ProducerGap, match=r"topic 0\.0\.7: expected producer sequence 1, got 2"):
        is_replay("0.0.7", last=0, got=2)
