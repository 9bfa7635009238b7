"""The table of what is to go wrong, which the shells ask before they answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypedDict, Unpack

import grpc

from topics.devnet.fault_kinds import NEEDS, TAKES, Fault, Field, Side
from topics.values import NANOS, AccountId, TopicId

__all__ = ["Asked", "Fault", "Faults", "Field", "Place", "Side", "Standing"]


class Asked(TypedDict, total=False):
    """What may be said of a fault; None is the same as saying nothing. TAKES tells which goes with which."""

    times: int | None
    """How many calls, or messages, it happens to; without it and `for_s` it stands until it is cleared."""
    for_s: float | None
    node: AccountId | None
    mirror: int | None
    """Which mirror, from 0."""
    side: Side | None
    topic: TopicId | None
    sequence: int | None
    """Which message of a topic, by its true sequence number."""
    from_sequence: int | None
    field: Field | None
    skew_s: float | None
    lag_s: float | None
    retry_after_s: int | None
    after: int | None
    """How many messages a stream gives before."""
    status: str | None
    """A gRPC status by its name; OK ends a stream cleanly."""


class Place(NamedTuple):
    """Where a fault stands, None for anywhere; or where a call is, None for what it isn't about."""

    node: AccountId | None = None
    mirror: int | None = None
    side: Side | None = None
    topic: TopicId | None = None
    sequence: int | None = None

    def holds(self, call: Place) -> bool:
        """Whether what stands here happens to that call."""
        return all(mine in (None, theirs) for mine, theirs in zip(self, call, strict=True))


@dataclass(slots=True)
class Standing:
    """A fault that stands in the table. `times` and `until_ns` None: until it is cleared."""

    fault: Fault
    asked: Asked = field(default_factory=Asked)
    times: int | None = None
    until_ns: int | None = None
    since_ns: int = 0
    turns: int = 0
    """For faults that strike in turns: how often it was asked for."""


class Faults:
    """Faults by kind and place; each holds for so many calls, for so long, or until it is cleared."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._standing: dict[tuple[Fault, Place], Standing] = {}
        self.on_change: list[Callable[[], None]] = []
        """Told when a fault is injected or cleared: what sleeps must look again."""

    def inject(self, fault: Fault, **asked: Unpack[Asked]) -> None:
        """Let `fault` happen. It takes the place of the same fault at the same place.

        Raises ValueError for what doesn't go with this fault, or what it needs.
        """
        given: Asked = {name: value for name, value in asked.items() if value is not None}  # type: ignore[assignment]
        _check(fault, given)
        now_ns = self._clock()
        for_s = given.get("for_s")
        until_ns = None if for_s is None else now_ns + round(for_s * NANOS)
        place = Place(
            given.get("node"), given.get("mirror"), given.get("side"), given.get("topic"), given.get("sequence")
        )
        self._standing[fault, place] = Standing(fault, given, given.get("times"), until_ns, now_ns)
        self._tell()

    def clear(
        self,
        fault: Fault | None = None,
        node: AccountId | None = None,
        *,
        mirror: int | None = None,
        topic: TopicId | None = None,
    ) -> None:
        """Take back one kind of fault or every kind (None), where it stands at just that place or anywhere (None)."""
        for kind, place in list(self._standing):
            wanted = (fault, node, mirror, topic)
            if all(each in (None, mine) for each, mine in zip(wanted, (kind, *_main(place)), strict=True)):
                del self._standing[kind, place]
        self._tell()

    def standing(self) -> list[Standing]:
        """What is in the table and not over, in the order in which it came."""
        return [each for key in list(self._standing) if (each := self._lasting(key)) is not None]

    def find(self, fault: Fault, call: Place) -> Standing | None:
        """The fault that would happen to this call: of several the one for the narrowest place. Doesn't count it."""
        if not self._standing:
            return None
        keys = [key for key in self._standing if key[0] == fault and key[1].holds(call)]
        keys.sort(key=lambda key: sum(each is not None for each in key[1]), reverse=True)
        return next((found for key in keys if (found := self._lasting(key)) is not None), None)

    def strike(self, fault: Fault, call: Place) -> Standing | None:
        """The fault that happens to this call. Counts it."""
        found = self.find(fault, call)
        if found is not None and found.times is not None:
            found.times -= 1
        return found

    def strikes(self, fault: Fault, node: AccountId | None = None) -> bool:
        """Whether `fault` happens to this call of a node. Counts it."""
        return self.strike(fault, Place(node)) is not None

    def skew_ns(self, node: AccountId) -> int:
        """How far the clock of `node` is behind for this call. Counts it."""
        struck = self.strike(Fault.CLOCK_SKEW, Place(node))
        return 0 if struck is None else round((struck.asked.get("skew_s") or 0) * NANOS)

    def _lasting(self, key: tuple[Fault, Place]) -> Standing | None:
        found = self._standing[key]
        if found.times == 0 or (found.until_ns is not None and found.until_ns <= self._clock()):
            del self._standing[key]
            return None
        return found

    def _tell(self) -> None:
        for listener in self.on_change:
            listener()


def _main(place: Place) -> tuple[AccountId | None, int | None, TopicId | None]:
    return place.node, place.mirror, place.topic


def _check(fault: Fault, given: Asked) -> None:
    needed = NEEDS.get(fault)
    if needed is not None and not given.get(needed):
        raise ValueError(f"the fault {fault.value} needs {needed}")
    status = given.get("status")
    if status is not None and status not in grpc.StatusCode.__members__:
        raise ValueError(f"{status} is no status of gRPC like UNAVAILABLE")
    for name in given:
        if name not in {"times", "for_s", *TAKES[fault]}:
            with_it = ", ".join(each.value for each in Fault if name in TAKES[each])
            raise ValueError(f"{name} doesn't go with the fault {fault.value}, but with {with_it}")
