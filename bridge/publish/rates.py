"""The network's exchange rate of HBAR to US cents, asked of the mirror once an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from bridge.errors import Unavailable
from bridge.log import get_logger
from topics import errors as hcs
from topics.fees import ExchangeRate

log = get_logger(__name__)

REFRESH_S = 3600.0
"""The network itself changes its rate once an hour."""
RETRY_S = 10.0


class RateSource(Protocol):
    """What is asked of a mirror."""

    async def exchange_rate(self) -> ExchangeRate:
        """The rate in force now."""


class Rates:
    """Holds the last rate that was read; `run` keeps it fresh."""

    def __init__(self, source: RateSource, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._source = source
        self._sleep = sleep
        self._rate: ExchangeRate | None = None

    def known(self) -> ExchangeRate:
        """The last rate. Raises Unavailable before there is one."""
        if self._rate is None:
            raise Unavailable("the exchange rate", "the mirror hasn't told it yet")
        return self._rate

    async def now(self) -> ExchangeRate:
        """The last rate, asked for if there is none yet. Raises Unavailable."""
        if self._rate is None:
            await self._ask()
        return self.known()

    async def run(self) -> None:
        """Ask again and again until cancelled. While the mirror doesn't tell, the last rate stays."""
        while True:
            told = await self._ask()
            await self._sleep(REFRESH_S if told else RETRY_S)

    async def _ask(self) -> bool:
        try:
            self._rate = await self._source.exchange_rate()
        except (hcs.Unavailable, hcs.Rejected, hcs.MalformedAnswer) as error:
            log.warning("exchange rate not read", reason=str(error))
            return False
        return True
