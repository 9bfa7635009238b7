"""The clients of the other nodes by way of the bus: what they are to do, who of them comes and goes, who is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bridge.bus.port import Answered, Asked, Bus, Moved, Refresh, Unsubscribe
from bridge.config_sections import Bus as BusSection
from bridge.errors import Unavailable
from bridge.protocol.realtime.steps import Present


@dataclass(slots=True)
class _Question:
    """About one channel; it ends with the last answer, or with its time."""

    asked: frozenset[int]
    timer: asyncio.TimerHandle
    told: dict[int, Present] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class OthersClients:
    """(port: bridge.gateway.elsewhere.Elsewhere) For the node with this number.

    `there` has the numbers of the other nodes that are there; it may raise Unavailable.
    """

    def __init__(
        self, section: BusSection, bus: Bus, there: Callable[[], Awaitable[Sequence[int]]], *, number: int
    ) -> None:
        self._section = section
        self._bus = bus
        self._there = there
        self._number = number
        self._questions: dict[str, _Question] = {}

    def unsubscribe(self, user: str, channel: str) -> None:
        """End the subscriptions of a user's clients to the channel."""
        self._bus.publish([Unsubscribe(user, channel)])

    def refresh(self, user: str, expires_ms: int | None) -> None:
        """Let a user's clients live until then; None: have them come back at once."""
        self._bus.publish([Refresh(user, expires_ms)])

    def moved(self, channel: str, client: str, user: str, *, joined: bool) -> None:
        """Tell who listens to the channel that a client of this node has joined it, or left."""
        self._bus.publish([Moved(channel, client, user, joined)])

    async def present(self, channel: str) -> Sequence[Present]:
        """Who is subscribed at each of the others that answers in time; of nobody while the bus is away.

        Who asks while the same is being asked gets the same answers. Raises Unavailable.
        """
        others = frozenset(await self._there() if self._bus.healthy else ())
        if not others:
            return ()
        question = self._questions.get(channel) or self._ask(channel, others)
        await question.ended.wait()
        return tuple(question.told.values())

    def answer(self, asked: Asked, present: Present) -> None:
        """Tell another node who is here."""
        self._bus.publish([Answered(asked.by, self._number, asked.channel, present)])

    def take(self, answer: Answered) -> None:
        """Another node's answer, if it is for this one, and not too late."""
        question = self._questions.get(answer.channel) if answer.by == self._number else None
        if question is not None:
            question.told[answer.at] = answer.present
            if question.asked <= question.told.keys():
                self._end(answer.channel)

    def _ask(self, channel: str, others: frozenset[int]) -> _Question:
        if len(self._questions) >= self._section.max_questions:
            raise Unavailable(
                "presence", f"{len(self._questions)} channels are asked about already (bus.max_questions)"
            )
        timer = asyncio.get_running_loop().call_later(self._section.answer_timeout_s, self._end, channel)
        question = self._questions[channel] = _Question(others, timer)
        self._bus.publish([Asked(self._number, channel)])
        return question

    def _end(self, channel: str) -> None:
        question = self._questions.pop(channel)
        question.timer.cancel()
        question.ended.set()
