"""Why campaigns wait though they have something to send, and how much of that an operator is told."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from bridge.errors import Unavailable
from bridge.log import Seldom, get_logger
from topics.errors import Rejected
from topics.ledger.codes import counted_as

log = get_logger(__name__)


class Troubles:
    """Holds what each campaign waits for. Of each kind of trouble its beginning is told, and its end.

    In between it is a line a minute, however many campaigns it has met and however often they are tried; each of them
    is told at debug. `clock` is in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._why: dict[str, str] = {}
        self._kinds: dict[str, str] = {}  # of each campaign that waits
        self._waiting: Counter[str] = Counter()  # campaigns of each kind that there is now
        self._most: Counter[str] = Counter()  # of them at once
        self._told: dict[str, Seldom] = {}

    @property
    def why(self) -> Mapping[str, str]:
        """The campaigns that wait, each with its reason; the dict itself."""
        return self._why

    def delayed(self, ref: str, error: Exception) -> None:
        """It is tried again soon, and may well succeed by itself."""
        self._note(log.warning, "flight delayed", ref, error)
        self._why[ref] = str(error)

    def stopped(self, ref: str, error: Exception) -> None:
        """Somebody has to look."""
        self._note(log.error, "submission stopped; nothing is lost", ref, error)
        self._why[ref] = f"{error}; {hint}" if (hint := _hint(error)) else str(error)

    def over(self, ref: str) -> None:
        """A turn of the campaign went well, or others have its turns now."""
        self._why.pop(ref, None)
        if (kind := self._kinds.pop(ref, None)) is None:
            return
        log.debug("campaign goes on", ref=ref, after=kind)
        self._waiting[kind] -= 1
        if not self._waiting[kind]:
            del self._waiting[kind], self._told[kind]
            log.info("submission goes on", after=kind, campaigns=self._most.pop(kind))

    def _note(self, tell: Callable[..., object], event: str, ref: str, error: Exception) -> None:
        kind = _kind(error)
        if self._kinds.get(ref) != kind:
            self.over(ref)
            self._kinds[ref] = kind
            self._waiting[kind] += 1
            self._most[kind] = max(self._most[kind], self._waiting[kind])
        log.debug("campaign waits", ref=ref, reason=str(error))
        if self._told.setdefault(kind, Seldom(self._clock)).due(kind):
            tell(event, ref=ref, reason=str(error), hint=_hint(error), campaigns=self._waiting[kind])


def _kind(error: Exception) -> str:
    """There are few, whatever nodes and mirrors answer."""
    match error:
        case Rejected():
            return f"{type(error).__name__} {counted_as(error.status)}"
        case Unavailable():
            return error.remote  # what of ours is away; the network is topics.errors.Unavailable
    return type(error).__name__


def _hint(error: Exception) -> str:
    return getattr(error, "hint", "")
