"""The bridge's own messages: they stand in a frame like events, in the same order, and are never publications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bridge.protocol.values import KEY_BYTES, KID_BYTES, TopicContext
from bridge.protocol.wire import cbor
from bridge.protocol.wire.cbor import CborInvalid

SIGNATURE_BYTES = 64
MAX_KIDS = 1000


@dataclass(frozen=True, slots=True)
class Rotation:
    """Code 200: from the next frame on, the epoch with `kid` is in force.

    `wrapped` is its key for the operator's recovery key (HPKE), or None; never under the old key.
    """

    kid: bytes
    wrapped: bytes | None


@dataclass(frozen=True, slots=True)
class Successor:
    """Code 201: from the next frame on, frames are signed by `public_key`. `signature` is the old key's."""

    public_key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Code 202: nothing more will come in this topic."""


@dataclass(frozen=True, slots=True)
class Shredded:
    """Code 203: the keys with these ids were destroyed. Ids only: they are on the ledger anyhow."""

    kids: tuple[bytes, ...]


ControlBody: TypeAlias = Rotation | Successor | Close | Shredded


@dataclass(frozen=True, slots=True)
class Control:
    """A control message with the id and time that every element of a frame has."""

    id: bytes
    time_ms: int
    body: ControlBody


def successor_statement(context: TopicContext, public_key: bytes) -> bytes:
    """The bytes that the old key signs (plain Ed25519) to announce `public_key` in this topic."""
    return cbor.encode(["hcs-bridge/1 successor", context.network, str(context.topic_id), public_key])


def control_code(body: ControlBody) -> int:
    """The reserved event code of this message."""
    match body:
        case Rotation():
            return 200
        case Successor():
            return 201
        case Close():
            return 202
        case Shredded():
            return 203


def encode_control(body: ControlBody) -> dict[int, object]:
    """The data map of a control message; its labels have nothing to do with the dictionary's."""
    match body:
        case Rotation(kid, wrapped):
            return {1: kid, 2: wrapped}
        case Successor(public_key, signature):
            return {1: public_key, 2: signature}
        case Close():
            return {}
        case Shredded(kids):
            return {1: list(kids)}


def decode_control(code: int, data: object) -> ControlBody:
    """The way back. Raises CborInvalid for an unknown code and for other labels, types or lengths."""
    if not isinstance(data, dict):
        raise CborInvalid("control data that is not a map")
    match code:
        case 200:
            return _rotation(data)
        case 201:
            _labels(data, {1, 2})
            return Successor(_sized(data[1], KEY_BYTES), _sized(data[2], SIGNATURE_BYTES))
        case 202:
            _labels(data, set())
            return Close()
        case 203:
            return _shredded(data)
    raise CborInvalid("a control code that this version does not know")


def _rotation(data: Mapping[object, object]) -> Rotation:
    _labels(data, {1, 2})
    wrapped = data[2]
    if wrapped is not None and not isinstance(wrapped, bytes):
        raise CborInvalid("a wrapped key that is not bytes")
    return Rotation(_sized(data[1], KID_BYTES), wrapped)


def _shredded(data: Mapping[object, object]) -> Shredded:
    _labels(data, {1})
    kids = data[1]
    if not isinstance(kids, list) or not 1 <= len(kids) <= MAX_KIDS:
        raise CborInvalid("shredded kids that are not a list of some")
    return Shredded(tuple(_sized(kid, KID_BYTES) for kid in kids))


def _labels(data: Mapping[object, object], expected: set[int]) -> None:
    if data.keys() != expected:
        raise CborInvalid("control data with other labels")


def _sized(value: object, length: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise CborInvalid(f"not {length} bytes")
    return value
