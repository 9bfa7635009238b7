"""What a frame carries comes back exactly, and a reader without a user's key sees that user's events as sealed."""

from __future__ import annotations

import dataclasses
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import EnvelopeRejected, KeyMissing
from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire.control import Control
from bridge.protocol.wire.epochs import Epoch, KeyTable
from bridge.protocol.wire.events import code_event
from bridge.protocol.wire.frame import OpenedFrame, Sealed, frame_kid, open_frame, seal_frame
from tests.bridge.protocol.samples import (
    CAMPAIGN,
    KEYS,
    PUBLIC_KEY,
    SIGNED,
    UNSIGNED,
    USER,
    controls,
    event,
    events,
    fixed_key,
    sealing,
)

contexts = st.sampled_from([SIGNED, UNSIGNED])


def seal(*items: Event | Control, context: TopicContext = SIGNED, sequence: int = 1, pad_to: int = 32) -> bytes:
    return seal_frame(
        [code_event(item) for item in items],
        context=context,
        producer_sequence=sequence,
        sealing=sealing(pad_to=pad_to),
    )


def opened(frame: bytes, *, context: TopicContext = SIGNED, keys: KeyTable = KEYS) -> OpenedFrame:
    return open_frame(frame, context=context, keys=keys, expected_kid=CAMPAIGN.kid, verify_with=PUBLIC_KEY)


@settings(max_examples=50)
@given(st.lists(events | controls, min_size=1, max_size=4), contexts, st.integers(1, 2**40), st.sampled_from([1, 32]))
def test_round_trip(items: list[Event | Control], context: TopicContext, sequence: int, pad_to: int) -> None:
    frame = seal(*items, context=context, sequence=sequence, pad_to=pad_to)
    assert opened(frame, context=context) == OpenedFrame(
        sequence,
        CAMPAIGN.kid,
        tuple(items),
        tuple(USER.kid if isinstance(item, Event) and item.audience else None for item in items),
    )
    assert frame_kid(frame) == (CAMPAIGN.kid, sequence)


def test_without_the_users_key_the_event_is_a_placeholder_in_its_place() -> None:
    frame = seal(event(0), event(1, audience="77"), event(2))
    got = opened(frame, keys=KeyTable(epochs=(CAMPAIGN,)))
    assert got.events == (event(0), Sealed(USER.kid), event(2))
    assert got.user_kids == (None, USER.kid, None)


def test_an_event_for_a_user_shows_the_campaign_nothing_but_a_kid() -> None:
    canary = "canary" + os.urandom(8).hex()
    frame = seal(event(0, audience=canary, message=canary), context=UNSIGNED)
    assert opened(frame, context=UNSIGNED, keys=KeyTable(epochs=(CAMPAIGN,))).events == (Sealed(USER.kid),)
    plain = opened(frame, context=UNSIGNED)
    assert plain.events == (event(0, audience=canary, message=canary),)


def test_nothing_readable_in_the_frame() -> None:
    frame = seal(event(0, message="a canary to look for"), event(1, audience="77", message="another canary"))
    assert b"canary" not in frame
    assert b"1234" not in frame


def test_without_the_epochs_key_nothing_opens() -> None:
    with pytest.raises(KeyMissing) as caught:
        opened(seal(event()), keys=KeyTable(users=(CAMPAIGN,)))
    assert caught.value.kid == CAMPAIGN.kid


def test_a_rolled_back_epoch_is_refused() -> None:
    newer = Epoch.of(fixed_key("campaign 1234, second epoch"))
    frame = seal(event())
    keys = KeyTable(epochs=(CAMPAIGN, newer))
    with pytest.raises(EnvelopeRejected, match="not the epoch in force"):
        open_frame(frame, context=SIGNED, keys=keys, expected_kid=newer.kid)
    assert open_frame(frame, context=SIGNED, keys=keys).kid == CAMPAIGN.kid


def test_lengths_hide_in_steps_of_the_padding() -> None:
    lengths = {len(seal(event(0, message="m" * size), pad_to=256)) for size in range(1, 60)}
    assert len(lengths) == 1


@pytest.mark.parametrize("count", [0, 1001])
def test_a_frame_holds_one_to_a_thousand_events(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        seal(*[event()] * count)


def test_a_thousand_fit() -> None:
    assert len(opened(seal(*[event()] * 1000)).events) == 1000


def test_a_callers_mistakes_are_refused_before_anything_is_sealed() -> None:
    with pytest.raises(ValueError, match="counts from 1"):
        seal(event(), sequence=0)
    unsigned = dataclasses.replace(sealing(), signing_key=None)
    with pytest.raises(ValueError, match="no signing key"):
        seal_frame([code_event(event())], context=SIGNED, producer_sequence=1, sealing=unsigned)
    assert seal_frame([code_event(event())], context=UNSIGNED, producer_sequence=1, sealing=unsigned)
