"""Deterministic CBOR (RFC 8949 §4.2, map keys length first as in §4.2.3), in the few types that the format uses.

What decodes here encodes to the very same bytes, so that nothing has two spellings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cbor2 import CBORError, CBORTag, dumps, loads

Tag = CBORTag
"""A tagged item: `.tag`, `.value`. Decoded arrays and maps below a tag are tuples and read-only mappings."""

MAX_DEPTH = 24
_MAX_INT = 2**64 - 1
_MIN_INT = -(2**64)


def _refuse(value: Any, immutable: bool) -> Any:
    raise ValueError("this tag has no place here")


# Every tag that the library would turn into an object of its own. 28/29 and 25/256 (shared values, string
# references) would let a small input unfold into a huge one; the others are other spellings of plain values.
_REFUSED_TAGS = (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799)
_DECODERS = dict.fromkeys(_REFUSED_TAGS, _refuse)


class CborInvalid(ValueError):
    """The bytes are not one item of this format's CBOR, or the value can't be one."""


def encode(value: object) -> bytes:
    """The one encoding of `value`. Raises CborInvalid for what could not be read back (NaN, 2**64, objects)."""
    _check(value, MAX_DEPTH)
    try:
        return dumps(value, canonical=True)
    except (CBORError, UnicodeEncodeError) as exc:
        raise CborInvalid("can't be encoded") from exc


def array(items: Sequence[bytes]) -> bytes:
    """The encoding of the array of these items, each of which is encoded already."""
    return _head(4, len(items)) + b"".join(items)


def byte_string(data: bytes) -> bytes:
    """The encoding of these bytes."""
    return _head(2, len(data)) + data


def tagged(tag: int, item: bytes) -> bytes:
    """The encoding of an item, which is encoded already, below a tag."""
    return _head(6, tag) + item


def _head(major: int, count: int) -> bytes:
    """RFC 8949 §3: the major type, and the count in as few bytes as it takes."""
    if count < 24:
        return bytes([major << 5 | count])
    for extra, size in ((24, 1), (25, 2), (26, 4)):
        if count < 2 ** (8 * size):
            return bytes([major << 5 | extra]) + count.to_bytes(size)
    return bytes([major << 5 | 27]) + count.to_bytes(8)


def decode(data: bytes) -> object:
    """The one item that `data` is, with nothing behind it. Raises CborInvalid."""
    value, length = decode_first(data)
    if length != len(data):
        raise CborInvalid("bytes follow the item")
    return value


def decode_first(data: bytes) -> tuple[object, int]:
    """The first item of `data`, and its length in bytes. Raises CborInvalid."""
    value = peek(data)
    _check(value, MAX_DEPTH)
    try:
        again = dumps(value, canonical=True)
    except (CBORError, ValueError) as exc:
        raise CborInvalid("can't be encoded again") from exc
    if not data.startswith(again):
        raise CborInvalid("not the deterministic encoding")
    return value, len(again)


def peek(data: bytes) -> object:
    """The first item of `data`, of whatever types and however it is encoded.

    For who encodes what was found, and compares the bytes. Raises CborInvalid.
    """
    try:
        return loads(  # which ignores what follows
            data,
            semantic_decoders=_DECODERS,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except (CBORError, ValueError) as exc:
        raise CborInvalid("not well-formed, or of a type that has no place here") from exc


_PLAIN = frozenset({str, bytes, bool, type(None)})


def _check(value: object, depth: int) -> None:
    """Only the types of this format, to a bounded depth."""
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is int:
        if not _MIN_INT <= value <= _MAX_INT:  # type: ignore[operator]
            raise CborInvalid("an integer beyond 64 bits")
    elif kind is float:
        if not math.isfinite(value):  # type: ignore[arg-type]
            raise CborInvalid("a number that is not finite")
    else:
        _check_container(value, depth)


def _check_container(value: object, depth: int) -> None:
    if depth == 0:
        raise CborInvalid("nested too deeply")
    if isinstance(value, (list, tuple)):
        items: Iterable[object] = value
    elif isinstance(value, CBORTag):
        items = (value.value,)
    elif isinstance(value, (dict, Mapping)):  # the abstract class is slow to ask, so last
        for key in value:
            if type(key) not in (int, str):
                raise CborInvalid("a map key that is neither integer nor text")
            _check(key, 0)
        items = value.values()
    else:
        raise CborInvalid(f"{type(value).__name__} has no place in this format")
    for item in items:
        if type(item) not in _PLAIN:
            _check(item, depth - 1)
