"""What is sealed at rest opens in its own row, under its own key, unchanged, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SealBroken
from bridge.protocol.wire.epochs import kid_of
from bridge.protocol.wire.wrapping import open_body, seal_body, unwrap_key, wrap_key
from tests.bridge.protocol.samples import fixed_key

MASTER = fixed_key("master")
KEY = fixed_key("wrapped")
NONCE = bytes(range(12))
WRAPPED = wrap_key(KEY, master_key=MASTER, nonce=NONCE, owner="campaign:1234")


def test_a_wrapped_key_opens_in_its_row() -> None:
    assert unwrap_key(WRAPPED, master_key=MASTER, owner="campaign:1234", kid=kid_of(KEY)) == KEY
    assert WRAPPED[:12] == NONCE
    assert len(WRAPPED) == 12 + 32 + 16


@pytest.mark.parametrize(
    ("master", "owner", "kid"),
    [
        (fixed_key("old master"), "campaign:1234", kid_of(KEY)),
        (MASTER, "campaign:1235", kid_of(KEY)),
        (MASTER, "campaign:1234", kid_of(MASTER)),
    ],
)
def test_a_wrapped_key_opens_nowhere_else(master: bytes, owner: str, kid: bytes) -> None:
    with pytest.raises(SealBroken, match=f"key {kid.hex()} of {owner}"):
        unwrap_key(WRAPPED, master_key=master, owner=owner, kid=kid)


def test_a_wrapped_key_that_is_changed_or_cut_does_not_open() -> None:
    changed = [bytes([*WRAPPED[:at], WRAPPED[at] ^ 1, *WRAPPED[at + 1 :]]) for at in range(len(WRAPPED))]
    for wrapped in [*changed, *(WRAPPED[:length] for length in range(len(WRAPPED)))]:
        with pytest.raises(SealBroken):
            unwrap_key(wrapped, master_key=MASTER, owner="campaign:1234", kid=kid_of(KEY))


rows = st.lists(st.text(max_size=5) | st.integers(0, 2**40) | st.binary(max_size=5), max_size=3).map(tuple)


@given(st.binary(max_size=200), rows, rows)
def test_a_body_opens_in_its_row_only(body: bytes, row: tuple[str | int | bytes, ...], other: tuple[str, ...]) -> None:
    sealed = seal_body(body, key=KEY, nonce=NONCE, label="outbox", row=row)
    assert open_body(sealed, key=KEY, label="outbox", row=row) == body
    if other != row:
        with pytest.raises(SealBroken):
            open_body(sealed, key=KEY, label="outbox", row=other)
    with pytest.raises(SealBroken, match="publication"):
        open_body(sealed, key=KEY, label="publication", row=row)


def test_a_nonce_has_twelve_bytes() -> None:
    with pytest.raises(ValueError, match="12 bytes"):
        seal_body(b"", key=KEY, nonce=b"", label="outbox", row=())
