"""The defaults keep to what public mirrors allow."""

from __future__ import annotations

import pytest

from topics.mirror.settings import MirrorSettings, StreamSettings


def test_defaults_are_polite_and_fit_a_full_page() -> None:
    settings = MirrorSettings()
    assert settings.max_requests_per_s < 50
    assert settings.max_body_bytes > 100 * 4 * 1024
    assert settings.backoff_initial_s < settings.backoff_max_s


@pytest.mark.parametrize("calls", [0, 6])
def test_a_sixth_call_on_a_connection_would_never_be_answered(calls: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 5 calls a connection, not {calls}"):
        StreamSettings(calls_per_connection=calls)
