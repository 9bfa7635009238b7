"""Stops a carrier at a chosen step: before or after one of its calls to the database or to the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from bridge.publish.carrier import Carrier
from bridge.publish.creations import Creations
from tests.rooms import WINDOW_S, Rooms
from topics.creator import Creator, TopicTerms
from topics.devnet.settings import HBAR
from topics.settlement import Sources


class Killed(Exception):
    """The process ends here."""


@dataclass(slots=True)
class Axe:
    """Falls at call number `at`, before it or after it. `calls` counts what was begun."""

    at: int
    after: bool
    calls: int = 0
    fallen: bool = False  # nothing begins any more

    def around(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The call, with the axe over it."""

        async def guarded(*arguments: Any) -> Any:
            self.calls += 1
            mine = self.calls == self.at
            if (mine and not self.after) or self.fallen:
                self.fallen = True
                raise Killed
            found = await call(*arguments)
            if mine:
                self.fallen = True
                raise Killed
            return found

        return guarded


class _Under:
    """Something of which each call that leaves a trace is under the axe."""

    def __init__(self, axe: Axe, whole: Any, *calls: str) -> None:
        self._whole = whole
        self._guarded = {name: axe.around(getattr(whole, name)) for name in calls}

    def __getattr__(self, name: str) -> Any:
        return self._guarded.get(name) or getattr(self._whole, name)


def under(axe: Axe, rooms: Rooms) -> Carrier:
    """The rooms' carrier, whose every step counts."""
    database = cast("Any", _Under(axe, rooms.database, "write", "write_together"))
    ledger = cast("Any", _Under(axe, rooms.ledger, "create_topic", "submit", "receipt"))
    sources = Sources(ledger, rooms.mirror, rooms.ids.network.now_ns)
    creator = Creator(
        TopicTerms("hcs-bridge:1", False, 7_776_000, 25 * HBAR),
        Creations(database, rooms.ids, valid_duration_s=WINDOW_S),
        sources=sources,
        witness=rooms.ledger,
    )
    return replace(rooms.carrier, database=database, sources=sources, creator=creator)
