"""Events come back exactly, and whatever is not one is refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.values import Event
from bridge.protocol.wire import cbor
from bridge.protocol.wire.cbor import CborInvalid
from bridge.protocol.wire.control import Control
from bridge.protocol.wire.events import MAX_TIME_MS, decode_event, encode_event, uuid7, uuid7_ms
from tests.bridge.protocol.samples import controls, event, events


@given(events | controls)
def test_round_trip(item: Event | Control) -> None:
    coded = cbor.encode(encode_event(item))
    sealed = isinstance(item, Event) and item.audience is not None
    again = decode_event(cbor.decode(coded), sealed_for_user=sealed)
    assert again == item
    assert cbor.encode(encode_event(again)) == coded
    with pytest.raises(CborInvalid):
        decode_event(cbor.decode(coded), sealed_for_user=not sealed)


@given(st.integers(0, MAX_TIME_MS), st.binary(min_size=10, max_size=10))
def test_ids_are_version_7_and_sort_by_time(time_ms: int, randomness: bytes) -> None:
    value = uuid.UUID(bytes=uuid7(time_ms, randomness))
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert value.int >> 80 == time_ms == uuid7_ms(value.bytes)
    assert uuid7(time_ms, randomness) < uuid7(time_ms + 1, bytes(10))


def test_ids_keep_74_random_bits() -> None:
    assert uuid7(0, b"\xff" * 10) == bytes(6) + bytes.fromhex("7fffbfffffffffffffff")
    with pytest.raises(ValueError, match="10 random bytes"):
        uuid7(0, b"")


GOOD: dict[int, object] = encode_event(event())


@pytest.mark.parametrize(
    "change",
    [
        {6: 0},
        {4: "77"},  # an audience in the open
        {1: bytes(16)},
        {1: event().id[:15]},
        {1: event().id.hex()},
        {1: bytes(6) + b"\x40\x00\x80" + bytes(7)},  # version 4
        {1: bytes(6) + b"\x70\x00\x00" + bytes(7)},  # variant 0
        {2: 99},
        {2: None},
        {2: "CAMPAIGN_STATUS_UPDATE"},
        {2: 250},
        {3: -1},
        {3: MAX_TIME_MS + 1},
        {3: 1.0},
        {3: True},
        {5: None},
        {5: []},
    ],
)
def test_what_is_not_an_event_is_refused(change: dict[int, Any]) -> None:
    with pytest.raises(CborInvalid):
        decode_event({**GOOD, **change}, sealed_for_user=False)


@pytest.mark.parametrize("label", [1, 2, 3, 5])
def test_no_label_may_be_missing(label: int) -> None:
    with pytest.raises(CborInvalid, match="exactly its labels"):
        decode_event({key: value for key, value in GOOD.items() if key != label}, sealed_for_user=False)


@pytest.mark.parametrize("audience", ["", "_account", "a b", 7, None, b"77", "9" * 256])
def test_an_audience_is_a_users_id(audience: object) -> None:
    with pytest.raises(CborInvalid, match="audience"):
        decode_event({**GOOD, 4: audience}, sealed_for_user=True)


def test_a_control_message_is_for_nobody_alone() -> None:
    with pytest.raises(CborInvalid, match="user's seal"):
        decode_event({**GOOD, 2: 202, 4: "77", 5: {}}, sealed_for_user=True)
