"""Channel names read strictly, and offsets that grow with the topic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.channels import ACCOUNT, Channel, campaign_offset, channel_epoch, is_id, offset_position
from topics.values import TopicId

positions = st.tuples(st.integers(1, 2**40), st.integers(0, 999))


@pytest.mark.parametrize("name", ["campaign:1234", "user:77", "user:a.b~c-d_e", "campaign:0"])
def test_a_name_reads_and_writes_the_same(name: str) -> None:
    assert str(Channel.parse(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "campaign",
            "campaign:",
            "user:_account",
            "group:1",
            "user:a b",
            "user:1\n",
            "user:ä",
            "user:a:b",
            "User:1",
        ),
        "campaign:" + "9" * 65,
    ],
)
def test_other_names_are_refused_without_repeating_them(name: str) -> None:
    with pytest.raises(ValueError, match=r"^a channel is campaign:<id> or user:<id>$"):
        Channel.parse(name)


def test_length_is_configurable_and_our_own_name_is_nobodys_id() -> None:
    assert Channel.parse("user:" + "9" * 65, max_chars=65).id == "9" * 65
    assert not is_id("12", max_chars=1)
    assert not is_id(ACCOUNT)


@given(positions, positions)
def test_offsets_order_as_positions_do(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert (one < other) == (campaign_offset(*one) < campaign_offset(*other))
    assert offset_position(campaign_offset(*one)) == one


@pytest.mark.parametrize(("sequence", "index"), [(0, 0), (-1, 0), (1, -1), (1, 1000)])
def test_there_is_no_offset_outside_a_topic(sequence: int, index: int) -> None:
    with pytest.raises(ValueError, match="no offset"):
        campaign_offset(sequence, index)


def test_the_epoch_tells_a_reset_network() -> None:
    assert channel_epoch(TopicId(0, 0, 7), bytes(range(48))) == "0.0.7-000102030405"
    with pytest.raises(ValueError, match="48 bytes"):
        channel_epoch(TopicId(0, 0, 7), b"short")
