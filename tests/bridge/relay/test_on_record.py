"""Who reads without an outbox has nothing on record."""

from __future__ import annotations

import pytest

from bridge.relay.on_record import Ours, Sent, no_record, strangers


def test_without_an_outbox_nothing_is_ours() -> None:
    assert strangers((), 0) == Ours({}, pinned=True)
    with pytest.raises(LookupError, match="flight 7 is not on record"):
        no_record(7)


def test_a_frame_stays_out_of_logs() -> None:
    assert "frame=" not in repr(Sent(b"sealed", ()))
