"""The defaults hold together."""

from __future__ import annotations

from topics.ledger.settings import LedgerSettings


def test_default_patience_is_ordered() -> None:
    settings = LedgerSettings()
    assert settings.backoff_initial_s < settings.backoff_max_s
    # consensus is waited for longer than a "not found" is doubted, and that longer than consensus takes
    assert 5 < settings.receipt_grace_s < settings.receipt_timeout_s < 180
