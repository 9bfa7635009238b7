"""Control messages come back as they were, and other shapes don't pass for them."""

from __future__ import annotations

import pytest
from hypothesis import given

from bridge.protocol.wire import cbor
from bridge.protocol.wire.cbor import CborInvalid
from bridge.protocol.wire.control import ControlBody, control_code, decode_control, encode_control, successor_statement
from tests.bridge.protocol.samples import SIGNED, bodies


@given(bodies)
def test_round_trip(body: ControlBody) -> None:
    coded = cbor.decode(cbor.encode(encode_control(body)))
    assert decode_control(control_code(body), coded) == body


@pytest.mark.parametrize(
    ("code", "data"),
    [
        (200, {}),
        (200, {1: bytes(8)}),
        (200, {1: bytes(7), 2: None}),
        (200, {1: bytes(8), 2: "text"}),
        (200, {1: bytes(8), 2: None, 3: 0}),
        (201, {1: bytes(32), 2: bytes(63)}),
        (201, {1: bytes(31), 2: bytes(64)}),
        (202, {1: 0}),
        (202, None),
        (203, {1: []}),
        (203, {1: bytes(8)}),
        (203, {1: [bytes(8), b""]}),
        (204, {}),
        (199, {}),
    ],
)
def test_other_shapes_are_refused(code: int, data: object) -> None:
    with pytest.raises(CborInvalid):
        decode_control(code, data)


def test_a_successor_is_announced_for_one_topic() -> None:
    statement = successor_statement(SIGNED, bytes(32))
    assert cbor.decode(statement) == ["hcs-bridge/1 successor", "devnet", "0.0.7001", bytes(32)]
