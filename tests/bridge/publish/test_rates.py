"""The exchange rate: asked once, kept while the mirror is away, read anew every hour."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from bridge.errors import Unavailable
from bridge.publish.rates import Rates
from topics import errors as hcs
from topics.fees import ExchangeRate


class Source:
    """Tells these rates, one after the other; None is a mirror that is away."""

    def __init__(self, *answers: ExchangeRate | None) -> None:
        self.answers = list(answers)

    async def exchange_rate(self) -> ExchangeRate:
        answer = self.answers.pop(0)
        if answer is None:
            raise hcs.Unavailable("mirror", "away")
        return answer


async def test_it_is_asked_for_once() -> None:
    rates = Rates(Source(ExchangeRate(1, 12)))
    assert await rates.now() == await rates.now() == rates.known() == ExchangeRate(1, 12)


async def test_unknown_is_unavailable() -> None:
    rates = Rates(Source(None))
    with pytest.raises(Unavailable, match="exchange rate"):
        rates.known()
    with pytest.raises(Unavailable, match="exchange rate"):
        await rates.now()


async def test_it_is_kept_fresh_and_stays_while_the_mirror_is_away() -> None:
    seen: list[tuple[float, ExchangeRate | None]] = []
    source = Source(None, ExchangeRate(1, 12), None, ExchangeRate(1, 13))

    async def sleep(seconds: float) -> None:
        with suppress(Unavailable):
            seen.append((seconds, rates.known()))
        if not source.answers:
            raise asyncio.CancelledError

    rates = Rates(source, sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await rates.run()
    assert seen == [(3600, ExchangeRate(1, 12)), (10, ExchangeRate(1, 12)), (3600, ExchangeRate(1, 13))]
