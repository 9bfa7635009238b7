"""The other nodes' clients: who is there is asked and answered in time, and never more than is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.bus.clients import OthersClients
from bridge.bus.port import Answered, Asked, Moved, News, Refresh, Unsubscribe
from bridge.config_sections import Bus as BusSection
from bridge.errors import Unavailable
from bridge.protocol.realtime.steps import Present
from tests.bridge.bus.nodes import Said

CHANNEL = "campaign:1"
AT_2, AT_3 = Present({"b": "8"}, 1, 1), Present(None, 2000, 1900)
LONG_S = 60.0


@dataclass
class Asking:
    """Node 1, with what it says, and which others there are."""

    clients: OthersClients
    bus: Said
    there: list[int] = field(default_factory=list)

    @property
    def said(self) -> list[News]:
        return self.bus.news

    def asks(self, channel: str = CHANNEL) -> asyncio.Task[Sequence[Present]]:
        return asyncio.create_task(self.clients.present(channel))


def asking(*there: int, **section: Any) -> Asking:
    bus, known = Said(), list(there)

    async def numbers() -> list[int]:
        return known

    made = OthersClients(BusSection(**{"answer_timeout_s": LONG_S, **section}), bus, numbers, number=1)
    return Asking(made, bus, known)


async def turn() -> None:
    """What was begun comes to where it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_last_answer_ends_the_question() -> None:
    one = asking(2, 3)
    asked = one.asks()
    await turn()
    assert one.said == [Asked(1, CHANNEL)]
    one.clients.take(Answered(1, 3, CHANNEL, AT_3))
    await turn()
    assert not asked.done()
    one.clients.take(Answered(1, 2, CHANNEL, AT_2))
    assert list(await asked) == [AT_3, AT_2]


async def test_who_says_nothing_is_waited_for_so_long_and_what_it_says_then_is_of_no_use() -> None:
    one = asking(2, 3, answer_timeout_s=0.02)
    asked = one.asks()
    await turn()
    one.clients.take(Answered(1, 2, CHANNEL, AT_2))
    assert list(await asked) == [AT_2]
    one.clients.take(Answered(1, 3, CHANNEL, AT_3))
    one.there[:] = [2]
    again = one.asks()
    await turn()
    assert not again.done()
    one.clients.take(Answered(1, 2, CHANNEL, AT_2))
    assert list(await again) == [AT_2]


async def test_the_time_of_an_answered_question_ends_no_other() -> None:
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))
    one = asking(2, answer_timeout_s=0.02)
    answered = one.asks()
    await turn()
    one.clients.take(Answered(1, 2, CHANNEL, AT_2))
    assert list(await answered) == [AT_2]
    assert list(await one.clients.present("campaign:2")) == []  # its own time is over later
    assert errors == []


async def test_what_others_asked_is_theirs() -> None:
    one = asking(2)
    asked = one.asks()
    await turn()
    one.clients.take(Answered(7, 2, CHANNEL, AT_3))
    one.clients.take(Answered(1, 2, "campaign:2", AT_3))
    one.clients.take(Answered(1, 2, CHANNEL, AT_2))
    assert list(await asked) == [AT_2]


async def test_nobody_is_asked_where_nobody_is_or_nobody_hears() -> None:
    alone, away = asking(), asking(2)
    away.bus.healthy = False
    for each in (alone, away):
        assert list(await each.clients.present(CHANNEL)) == []
        assert each.said == []


async def test_who_asks_the_same_meanwhile_has_the_same_answers_even_if_the_first_goes() -> None:
    one = asking(2)
    first, second = one.asks(), one.asks()
    await turn()
    first.cancel()
    await turn()
    one.clients.take(Answered(1, 2, CHANNEL, AT_2))
    assert list(await second) == [AT_2]
    assert one.said == [Asked(1, CHANNEL)]


async def test_questions_under_way_are_bounded() -> None:
    one = asking(2, max_questions=2)
    under_way = [one.asks(f"campaign:{number}") for number in range(2)]
    await turn()
    with pytest.raises(Unavailable, match=r"2 channels .*bus\.max_questions"):
        await one.clients.present("campaign:2")
    for number, each in enumerate(under_way):
        one.clients.take(Answered(1, 2, f"campaign:{number}", AT_2))
        await each
    freed = one.asks("campaign:2")
    await turn()
    one.clients.take(Answered(1, 2, "campaign:2", AT_2))
    assert list(await freed) == [AT_2]


def test_what_is_told() -> None:
    one = asking(2)
    one.clients.unsubscribe("77", CHANNEL)
    one.clients.refresh("77", None)
    one.clients.moved(CHANNEL, "a", "77", joined=False)
    one.clients.answer(Asked(2, CHANNEL), AT_2)
    assert one.said == [
        Unsubscribe("77", CHANNEL),
        Refresh("77", None),
        Moved(CHANNEL, "a", "77", joined=False),
        Answered(2, 1, CHANNEL, AT_2),
    ]
