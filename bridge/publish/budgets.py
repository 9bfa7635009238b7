"""Which budgets there are, and whether the next step still fits into them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from topics.fees import TINYBAR_PER_HBAR, TINYCENTS_PER_USD, ExchangeRate

WARN_PERCENT = 80
_DAY_NS = 86_400 * 1_000_000_000


class Scope(StrEnum):
    """The three ways in which the same money is counted."""

    CAMPAIGN = "campaign"
    DAY = "day"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Bill:
    """One of the sums: a campaign by its ref, a day as 2026-11-22, an API key by its name ("" where there is none)."""

    scope: Scope
    name: str

    def __str__(self) -> str:
        match self.scope:
            case Scope.CAMPAIGN:
                return f"budget of campaign {self.name}"
            case Scope.DAY:
                return f"budget of the day {self.name}"
            case Scope.KEY:
                return f"budget of API key {self.name}"


@dataclass(slots=True)
class Budgets:
    """What may be spent at most, in tinybar; 0 is no limit. Keys that aren't named have none.

    All who reckon with them hold the same object, so that they can change while it runs.
    """

    campaign: int = 0
    day: int = 0
    keys: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.campaign or self.day or any(self.keys.values()))

    def reconfigure(self, other: Budgets) -> None:
        """From now on these."""
        self.campaign, self.day, self.keys = other.campaign, other.day, other.keys

    def limit(self, bill: Bill) -> int:
        """The limit of this bill. Refs of the bridge's own (they begin with _) are no campaigns."""
        match bill.scope:
            case Scope.CAMPAIGN:
                return 0 if bill.name.startswith("_") else self.campaign
            case Scope.DAY:
                return self.day
            case Scope.KEY:
                return self.keys.get(bill.name, 0)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the next step waits: this bill, with what is spent or reserved on it, and what the step would add."""

    bill: Bill
    limit: int
    committed: int
    needed: int

    def __str__(self) -> str:
        return (
            f"{self.bill}: {hbar(self.committed)} of {hbar(self.limit)} HBAR are spent or reserved, "
            f"and the next step takes {hbar(self.needed)}"
        )

    @property
    def hint(self) -> str:
        """What an operator does about it: only a day ends by itself."""
        match self.bill.scope:
            case Scope.CAMPAIGN:
                return "raise budgets.campaign_hbar and reload"
            case Scope.DAY:
                return "raise budgets.day_hbar and reload, or wait for the day to turn (UTC)"
            case Scope.KEY:
                return "raise the key's budget_hbar in http.api_keys and reload"


def first_stop(budgets: Budgets, needed: Mapping[Bill, int], committed: Mapping[Bill, int]) -> Stop | None:
    """The first bill that would go over its limit, None if all of it fits."""
    for bill, tinybar in needed.items():
        limit, before = budgets.limit(bill), committed.get(bill, 0)
        if limit and before + tinybar > limit:
            return Stop(bill, limit, before, tinybar)
    return None


def crossed(limit: int, *, before: int, after: int) -> bool:
    """Whether a sum has just come to the part of its limit at which an operator is to be warned."""
    return bool(limit) and before * 100 < limit * WARN_PERCENT <= after * 100


def split_by(total: int, weights: Iterable[int]) -> list[int]:
    """`total` in shares by weight, rounded so that they sum up to it; all of it to the first if nothing weighs."""
    listed = list(weights)
    whole = sum(listed)
    if not whole:
        return [total if place == 0 else 0 for place in range(len(listed))]
    shares, before = [], 0
    for weight in listed:
        shares.append(share(total, before=before, weight=weight, whole=whole))
        before += weight
    return shares


def share(total: int, *, before: int, weight: int, whole: int) -> int:
    """The share of `weight` out of `whole`, of which `before` have had theirs."""
    return total * (before + weight) // whole - total * before // whole


def day_of(ns: int) -> str:
    """The UTC day of a time in nanoseconds, as 2026-11-22."""
    return _day(ns // _DAY_NS)


@lru_cache(maxsize=8)
def _day(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


def hbar(tinybar: int) -> str:
    """Tinybar in HBAR, exactly, without trailing zeros."""
    return plain(Decimal(tinybar) / TINYBAR_PER_HBAR)


def usd(tinycents: int) -> str:
    """Tinycents in US dollars, exactly."""
    return plain(Decimal(tinycents) / TINYCENTS_PER_USD)


def usd_per_hbar(rate: ExchangeRate) -> str:
    """An exchange rate, to ten decimals of a dollar."""
    return usd(rate.tinycents(TINYBAR_PER_HBAR))


def plain(number: Decimal) -> str:
    """Digits and a point, nothing else."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
