"""One value, one spelling: whatever else a CBOR decoder would take is refused."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.wire.cbor import MAX_DEPTH, CborInvalid, Tag, decode, decode_first, encode

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
    | st.binary(max_size=10)
)
keys = st.integers(-1000, 1000) | st.text("abc", max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


@given(values)
def test_round_trip(value: object) -> None:
    assert decode(encode(value)) == value


@given(values, st.data())
def test_whatever_decodes_is_the_one_spelling(value: object, data: st.DataObject) -> None:
    encoded = bytearray(encode(value))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        other = decode(bytes(encoded))
    except CborInvalid:
        return
    assert encode(other) == bytes(encoded)


def test_map_keys_go_length_first() -> None:
    assert (
        encode({"aa": 0, "b": 0, 100: 0, -1: 0, 10: 0}).hex()
        == "a5" + "0a00" + "2000" + "186400" + "616200" + "62616100"
    )


@pytest.mark.parametrize(
    "spelling",
    [
        "1801",  # 1 in two bytes
        "1b0000000000000001",  # 1 in nine
        "fb3ff8000000000000",  # 1.5 as a double
        "a220000100",  # keys in the wrong order
        "a201000100",  # a key twice
        "9f01ff",  # indefinite array
        "7f6161ff",  # indefinite text
        "5f4101ff",  # indefinite bytes
        "c24101",  # a bignum that is small
        "c249010000000000000000",  # a bignum that is not
        "f97e00",  # NaN
        "f97c00",  # infinity
        "f7",  # undefined
        "f0",  # a simple value
        "a1f500",  # a boolean as key
        "a1810100",  # an array as key
        "a1414100",  # bytes as key
        "a1f93c0000",  # a float as key
        "62c328",  # not UTF-8
        "63eda080",  # a surrogate in UTF-8
        "d81c8100",  # shared values
        "d81c81d81d00",  # a list in itself
        "d9010081616161",  # a set or references
        "c11a00000000",  # a date
        "d82363616161",  # a regular expression
        "d9d9f701",  # self-described
        "0100",  # something behind it
        "",
        "82",
        "5bffffffffffffffff",  # a length that is not there
        "9bffffffffffffffff",
    ],
)
def test_other_spellings_and_types_are_refused(spelling: str) -> None:
    with pytest.raises(CborInvalid):
        decode(bytes.fromhex(spelling))


def test_depth_is_bounded_both_ways() -> None:
    deep: object = 0
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert decode(encode(deep)) == deep
    with pytest.raises(CborInvalid, match="deep"):
        encode([deep])
    with pytest.raises(CborInvalid):
        decode(b"\x81" + encode(deep))
    with pytest.raises(CborInvalid):
        decode(b"\x81" * 100_000 + b"\x00")


@pytest.mark.parametrize(
    "value", [2**64, -(2**64) - 1, float("nan"), float("inf"), "\ud800", {None: 1}, {True: 1}, object(), {1, 2}]
)
def test_what_could_not_be_read_back_is_not_written(value: object) -> None:
    with pytest.raises(CborInvalid):
        encode([value])


def test_first_item_and_its_length() -> None:
    assert decode_first(bytes.fromhex("8101") + bytes(5)) == ([1], 2)


def test_tags_pass_as_what_they_are() -> None:
    item = decode(cbor2.dumps(cbor2.CBORTag(16, [b"a", {5: b"b"}, [1]])))
    assert isinstance(item, Tag)
    assert (item.tag, len(item.value)) == (16, 3)
    assert encode(item) == cbor2.dumps(cbor2.CBORTag(16, [b"a", {5: b"b"}, [1]]))
