"""A page knows whether there may be another."""

from __future__ import annotations

from topics.mirror.answers import SubmitPage


def test_only_the_link_tells_the_end() -> None:
    assert SubmitPage([], "/api/v1/transactions?x").more
    assert not SubmitPage([], None).more
