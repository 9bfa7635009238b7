"""The table of what is to go wrong, which the shells ask before they answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from topics.values import NANOS, AccountId


class Fault(StrEnum):
    """Ways to fail. Each shell knows which of them are its own."""

    BUSY = "busy"
    """A node answers BUSY at precheck."""
    BUSY_RECEIPT = "busy-receipt"
    """A node takes the transaction, but it ends with BUSY instead of running, as around a freeze; it costs nothing."""
    LOST_ACKNOWLEDGEMENT = "lost-acknowledgement"
    """A node takes the transaction, and its answer never arrives."""
    HANG = "hang"
    """A node takes the call, does what was asked, and never answers."""
    NODE_DOWN = "node-down"
    """A node answers nothing but UNAVAILABLE."""
    RECEIPTS_EXPIRED = "receipts-expired"
    """A node has no receipt and no record of anything. It still knows its own transactions again."""
    CLOCK_SKEW = "clock-skew"
    """A node's clock is behind by `skew_s`: what starts later by it has an INVALID_TRANSACTION_START."""
    MIRROR_UNREACHABLE = "mirror-unreachable"
    """The mirror drops every connection."""


@dataclass(slots=True)
class Standing:
    """A fault that stands in the table. `times` and `until_ns` None: until it is cleared."""

    fault: Fault
    node: AccountId | None
    times: int | None = None
    until_ns: int | None = None
    skew_s: float = 0


class Faults:
    """Faults by kind and node; each holds for so many calls, for so long, or until it is cleared."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._standing: dict[tuple[Fault, AccountId | None], Standing] = {}

    def inject(
        self,
        fault: Fault,
        *,
        times: int | None = None,
        node: AccountId | None = None,
        for_s: float | None = None,
        skew_s: float = 0,
    ) -> None:
        """Let `fault` happen `times`, for `for_s` (None: until cleared), at `node` (None: at any).

        It takes the place of the same fault at the same node. `skew_s` is for CLOCK_SKEW only.
        """
        until_ns = None if for_s is None else self._clock() + round(for_s * NANOS)
        self._standing[fault, node] = Standing(fault, node, times, until_ns, skew_s)

    def clear(self, fault: Fault | None = None, node: AccountId | None = None) -> None:
        """Take back one kind of fault or every kind (None), at one node or wherever it stands (None)."""
        for key in list(self._standing):
            if fault in (None, key[0]) and node in (None, key[1]):
                del self._standing[key]

    def standing(self) -> list[Standing]:
        """What is in the table and not over, in the order in which it came."""
        return [each for key in list(self._standing) if (each := self._lasting(key)) is not None]

    def strikes(self, fault: Fault, node: AccountId | None = None) -> bool:
        """Whether `fault` happens to this call. Counts it."""
        return self._strike(fault, node) is not None

    def skew_ns(self, node: AccountId) -> int:
        """How far the clock of `node` is behind for this call. Counts it."""
        struck = self._strike(Fault.CLOCK_SKEW, node)
        return 0 if struck is None else round(struck.skew_s * NANOS)

    def _strike(self, fault: Fault, node: AccountId | None) -> Standing | None:
        if not self._standing:
            return None
        found = self._lasting((fault, node)) or self._lasting((fault, None))
        if found is not None and found.times is not None:
            found.times -= 1
        return found

    def _lasting(self, key: tuple[Fault, AccountId | None]) -> Standing | None:
        found = self._standing.get(key)
        if found is None:
            return None
        if found.times == 0 or (found.until_ns is not None and found.until_ns <= self._clock()):
            del self._standing[key]
            return None
        return found
