"""Codes are distinct, and their ranges say what a client does next."""

from __future__ import annotations

from bridge.protocol.realtime import codes


def test_numbers_and_ranges() -> None:
    assert [error.code for error in codes.ERRORS] == list(range(100, 114))
    assert len({code.code for code in codes.DISCONNECTS}) == len(codes.DISCONNECTS)
    assert all(3000 <= code.code < 5000 and len(code.reason.encode()) < 124 for code in codes.DISCONNECTS)


def test_what_a_client_comes_back_from() -> None:
    assert [error.code for error in codes.ERRORS if error.temporary] == [100, 111]
    for code in (codes.SHUTDOWN, codes.CONNECTION_EXPIRED, codes.SLOW, codes.NO_PONG, codes.DisconnectCode(4000, "")):
        assert code.reconnect
    for code in (codes.INVALID_TOKEN, codes.BAD_FRAME, codes.STALE, codes.DisconnectCode(4500, "")):
        assert not code.reconnect
    assert [code.code for code in codes.UNSUBSCRIBES if code.resubscribe] == [2500, 2501, 2502]
