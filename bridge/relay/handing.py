"""What the inbound corridor reads with, and to whom it hands on what it has found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bridge.errors import IntegrityBroken
from bridge.keys.ring import KeyRing
from bridge.relay.on_record import Ours, Sent, no_record
from bridge.relay.store import News
from bridge.relay.tail import Batch, TopicRules
from topics.mirror.answers import Page, TransactionOutcome
from topics.mirror.rest import Mirror
from topics.values import TopicId, TopicMessage

Book = Callable[[Sequence[TransactionOutcome]], Awaitable[None]]


async def _unbooked(_rows: Sequence[TransactionOutcome]) -> None:
    """For who keeps no books."""


@dataclass(frozen=True, slots=True)
class Handing:
    """What the corridor asks and hands on, given by app.py: `confirm` gives for each batch None, or what is wrong."""

    recognise: Callable[[Connection, Sequence[TopicMessage], int], Ours]
    confirm: Callable[[Connection, Sequence[Batch]], Sequence[IntegrityBroken | None]]
    publish: Callable[[Sequence[News]], None]
    book: Book = _unbooked
    recall: Callable[[Connection, int], Sent] = lambda _, flight_id: no_record(flight_id)


@dataclass(frozen=True, slots=True)
class Reading:
    """What topics are read with: from where, with whose keys, by which rules; `sample` gets what was stored."""

    mirror: Mirror
    ring: KeyRing
    rules: Callable[[TopicId], TopicRules]
    sample: Callable[[Page], None] = lambda _page: None
