"""The table of what is to go wrong, which the shells ask before they answer."""

from __future__ import annotations

from enum import StrEnum

from topics.values import AccountId


class Fault(StrEnum):
    """Ways to fail. Each shell knows which of them are its own."""

    BUSY = "busy"
    """A node answers BUSY at precheck."""
    NODE_DOWN = "node-down"
    """A node answers nothing but UNAVAILABLE."""
    LOST_ACKNOWLEDGEMENT = "lost-acknowledgement"
    """A node takes the transaction, and its answer never arrives."""
    MIRROR_UNREACHABLE = "mirror-unreachable"
    """The mirror drops every connection."""


class Faults:
    """Faults by kind and node; each holds for so many calls, or until it is cleared."""

    def __init__(self) -> None:
        self._left: dict[tuple[Fault, AccountId | None], int | None] = {}

    def inject(self, fault: Fault, *, times: int | None = None, node: AccountId | None = None) -> None:
        """Let `fault` happen `times` (None: until cleared), at `node` (None: at any)."""
        self._left[fault, node] = times

    def clear(self, fault: Fault | None = None) -> None:
        """Take back one kind of fault at all nodes, or everything."""
        self._left = {key: left for key, left in self._left.items() if fault not in (None, key[0])}

    def strikes(self, fault: Fault, node: AccountId | None = None) -> bool:
        """Whether `fault` happens to this call. Counts it."""
        for key in ((fault, node), (fault, None)):
            if key not in self._left:
                continue
            left = self._left[key]
            if left is None:
                return True
            if left > 0:
                self._left[key] = left - 1
                return True
        return False
