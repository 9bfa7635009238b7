"""Bodies at rest open only under their key and in their row."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import SealBroken
from bridge.keys.at_rest import AtRest
from bridge.protocol.wire.epochs import Epoch

EPOCH = Epoch.of(os.urandom(32))
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
rows = st.lists(names | st.integers(0, 2**63) | st.binary(max_size=16), max_size=3)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), names, rows, names, rows)
def test_a_body_opens_in_its_own_row_alone(
    body: bytes, label: str, row: list[str | int | bytes], other: str, elsewhere: list[str | int | bytes]
) -> None:
    sealed = AtRest(EPOCH).seal(body, label, *row)
    assert AtRest(EPOCH).open(sealed, label, *row) == body
    if (other, elsewhere) != (label, row):
        with pytest.raises(SealBroken):
            AtRest(EPOCH).open(sealed, other, *elsewhere)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=50), st.data())
def test_a_changed_or_cut_body_does_not_open(body: bytes, data: st.DataObject) -> None:
    sealed = AtRest(EPOCH).seal(body, "entry", 1)
    at = data.draw(st.integers(0, len(sealed) - 1))
    for broken in (sealed[:at], sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]):
        with pytest.raises(SealBroken):
            AtRest(EPOCH).open(broken, "entry", 1)


def test_the_same_body_never_looks_the_same() -> None:
    seals = {AtRest(EPOCH).seal(b"the same", "entry", 1) for _ in range(20)}
    assert len({seal[:12] for seal in seals}) == 20
    assert not any(b"the same" in seal for seal in seals)


def test_another_store_key_opens_nothing() -> None:
    sealed = AtRest(EPOCH).seal(b"body", "entry", 1)
    with pytest.raises(SealBroken):
        AtRest(Epoch.of(os.urandom(32))).open(sealed, "entry", 1)
