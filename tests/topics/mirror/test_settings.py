"""The defaults keep to what public mirrors allow."""

from __future__ import annotations

from topics.mirror.settings import MirrorSettings


def test_defaults_are_polite_and_fit_a_full_page() -> None:
    settings = MirrorSettings()
    assert settings.max_requests_per_s < 50
    assert settings.max_body_bytes > 100 * 4 * 1024
    assert settings.backoff_initial_s < settings.backoff_max_s
