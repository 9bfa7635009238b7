"""Delays are taken as given; windows are scaled."""

from __future__ import annotations

from topics.devnet.settings import DevnetSettings


def test_only_windows_are_scaled() -> None:
    settings = DevnetSettings(consensus_delay_s=1.5, mirror_delay_s=0.25, time_scale=10)
    assert settings.consensus_delay_ns == 1_500_000_000
    assert settings.mirror_delay_ns == 250_000_000
    assert settings.scaled_ns(180) == 18_000_000_000


def test_the_defaults_feel_real() -> None:
    settings = DevnetSettings()
    assert 3 <= settings.consensus_delay_s + settings.mirror_delay_s <= 7
    assert settings.scaled_ns(1) == 1_000_000_000
