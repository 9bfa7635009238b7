"""A frame's length is known before it is sealed, and the overhead stays within its limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire import cbor
from bridge.protocol.wire.control import Control
from bridge.protocol.wire.events import code_event, encode_event
from bridge.protocol.wire.frame import seal_frame
from bridge.protocol.wire.sizes import element_size, frame_size
from tests.bridge.protocol.samples import SIGNED, UNSIGNED, controls, event, events, sealing


@settings(max_examples=50)
@given(
    st.lists(events | controls, min_size=1, max_size=30),
    st.sampled_from([SIGNED, UNSIGNED]),
    st.integers(1, 2**40),
    st.sampled_from([1, 32, 64]),
)
def test_predicted_is_what_comes(
    items: list[Event | Control], context: TopicContext, sequence: int, pad_to: int
) -> None:
    frame = seal_frame(
        [code_event(item) for item in items],
        context=context,
        producer_sequence=sequence,
        sealing=sealing(pad_to=pad_to),
    )
    assert len(frame) == frame_size(
        sum(element_size(code_event(item)) for item in items),
        count=len(items),
        producer_sequence=sequence,
        signed=context.signed,
        pad_to=pad_to,
    )


@pytest.mark.parametrize("length", [1, 20, 21, 22, 240, 250, 65_400, 65_500, 70_000])
def test_predicted_at_the_edges_of_cbors_lengths(length: int) -> None:
    item = event(0, audience="77", message="m" * length)
    frame = seal_frame([code_event(item)], context=SIGNED, producer_sequence=1, sealing=sealing(pad_to=1))
    assert len(frame) == frame_size(element_size(code_event(item)), count=1, producer_sequence=1, signed=True, pad_to=1)


def overhead(item: Event) -> int:
    """Bytes of the frame, before padding, over the event's own CBOR."""
    frame = seal_frame([code_event(item)], context=SIGNED, producer_sequence=1_000_000, sealing=sealing(pad_to=1))
    return len(frame) - len(cbor.encode(encode_event(item)))


def test_overhead_of_a_campaign_event_and_of_a_users_event() -> None:
    assert overhead(event(0, message="m" * 200)) == 136  # at most 150
    assert overhead(event(0, audience="11696", message="m" * 200)) == 187  # at most 200, without the audience 194


def test_an_event_of_850_bytes_fits_one_message() -> None:
    item = event(0, message="m" * (850 - 37))
    assert len(cbor.encode(encode_event(item))) == 850
    frame = seal_frame([code_event(item)], context=SIGNED, producer_sequence=1_000_000, sealing=sealing())
    assert len(frame) <= 1024
