"""Holds the events that a topic leads to against the publications in the store: all of them there, and no others."""

from __future__ import annotations

import base64
import math
import uuid
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, func, select

from bridge.errors import SealBroken
from bridge.keys.at_rest import AtRest
from bridge.protocol.channels import Channel, campaign_offset
from bridge.protocol.envelope import SEALED
from bridge.protocol.values import JSON, Event
from bridge.relay.audit.judge import Found, Page
from bridge.relay.audit.looking import ReadOnly
from bridge.relay.audit.verdict import Counts, Refuted
from bridge.relay.store import LABEL, NO_EVENT, Source
from bridge.schema import channels, publications
from topics.chunks import Whole
from topics.values import format_timestamp


class Publications:
    """Compares messages from `first` to `last`, which is as far as the relay had stored when the audit began.

    A `sealed` campaign's publications are its frames.
    """

    def __init__(
        self, database: ReadOnly, source: Source, at_rest: AtRest, *, first: int, last: int, sealed: bool = False
    ) -> None:
        self._database = database
        self._source = source
        self._at_rest = at_rest
        self._sealed = sealed
        self._first = first
        self._last = last
        self._mine = str(Channel("campaign", source.ref))
        self._blind = 0  # places where the store may have what can't be seen here
        self._blind_throughout = False

    def hold(self, page: Page, counts: Counts) -> None:
        """Each event of the page is at its place, and the campaign's channel has no other. Raises Refuted."""
        first, last = page.messages[0].sequence, min(page.messages[-1].sequence, self._last)
        if first > last:
            return
        self._blind += sum(sequence <= last for sequence, _ in page.blind)
        self._blind_throughout |= any(index is None and sequence <= last for sequence, index in page.blind)
        told = [_as_event(whole) for whole in page.frames] if self._sealed else page.events
        events = sorted((found for found in told if found.whole.sequence <= last), key=self._channel)
        by_channel: dict[str, list[Found]] = {self._mine: []}
        by_channel |= {channel: list(found) for channel, found in groupby(events, self._channel)}
        for channel, found in by_channel.items():
            rows, kept_from = self._database.read(lambda c: self._stored(c, channel, first, last))  # noqa: B023 # read at once
            kept = [each for each in found if (each.whole.sequence, each.index) >= kept_from]
            self._hold_channel(channel, kept, rows, page)
            counts.publications += len(kept)
            counts.pruned += len(found) - len(kept)

    def hold_number(self, last: int, counts: Counts) -> None:
        """In the end: no channel at all has more of this topic. Raises Refuted."""
        last = min(last, self._last)
        stored = self._database.read(lambda c: self._number(c, last))
        if stored > counts.publications + self._blind and not self._blind_throughout:
            text = "publications in the store up to here"
            raise self._refuted(last, text, expected=f"{counts.publications:,}", got=f"{stored:,}")

    def _hold_channel(self, channel: str, events: Sequence[Found], rows: Sequence[RowMapping], page: Page) -> None:
        stored = {(row["sequence"], row["index"]): row for row in rows}
        for found in events:
            sequence, index = found.whole.sequence, found.index
            row = stored.pop((sequence, index), None)
            if row is None:
                expected = f"event {_name(found.event.id)}"
                raise self._refuted(sequence, f"store, index {index}", expected=expected, got="nothing")
            self._hold_row(channel, found, row)
        for (sequence, index), row in sorted(stored.items()):
            if not page.blind & {(sequence, index), (sequence, None)}:
                got = f"event {_name(row['event_id'])}"
                raise self._refuted(sequence, f"store, index {index}", expected="nothing", got=got)

    def _hold_row(self, channel: str, found: Found, row: RowMapping) -> None:
        event, whole = found.event, found.whole
        expected: dict[str, Any] = {
            "event": _name(event.id),
            "offset": campaign_offset(whole.sequence, found.index) if channel == self._mine else row["offset"],
            "consensus time": format_timestamp(whole.consensus_ns),
            "running hash": base64.b64encode(whole.running_hash).decode(),
            "type": event.type,
            "payload": msgspec.json.decode(msgspec.json.encode(event.data)),
        }
        stored = self._read(channel, row)
        for what, wanted in expected.items():
            if stored[what] != wanted:
                # what an event says is in no verdict
                shown = ("the ledger's", "another") if what == "payload" else (wanted, stored[what])
                text = f"store, index {found.index}, {what}"
                raise self._refuted(whole.sequence, text, expected=shown[0], got=shown[1])

    def _read(self, channel: str, row: RowMapping) -> dict[str, Any]:
        try:
            data = msgspec.json.decode(self._at_rest.open(row["body"], LABEL, channel, row["offset"]))
        except SealBroken as error:
            text = f"store, index {row['index']}, body"
            raise self._refuted(row["sequence"], text, expected="sealed for its place", got="not") from error
        return {
            "event": _name(row["event_id"]),
            "offset": row["offset"],
            "consensus time": data["meta"]["consensusTimestamp"],
            "running hash": data["meta"]["runningHash"],
            "type": data["event"],
            "payload": data["data"]["payload"],
        }

    def _channel(self, found: Found) -> str:
        audience = found.event.audience
        return self._mine if audience is None else str(Channel("user", audience))

    def _stored(
        self, connection: Connection, channel: str, first: int, last: int
    ) -> tuple[Sequence[RowMapping], tuple[float, int]]:
        """What a channel has of these messages, and from which place of the topic on it must have all."""
        here = publications.c.channel == channel, publications.c.topic_id == str(self._source.topic_id)
        found = select(publications).where(*here, publications.c.sequence.between(first, last))
        rows = connection.execute(found).mappings().all()
        pruned = select(channels.c.floor).where(channels.c.channel == channel, channels.c.floor > 0)
        if connection.execute(pruned).one_or_none() is None:
            return rows, (0, 0)
        # a user's channel loses its oldest, in the topic's order: what comes before the first one left is gone rightly
        place = publications.c.sequence, publications.c.index
        left = connection.execute(select(*place).where(*here).order_by(*place).limit(1)).one_or_none()
        return rows, (math.inf, 0) if left is None else (left[0], left[1])

    def _number(self, connection: Connection, last: int) -> int:
        found = select(func.count()).select_from(publications)
        found = found.where(
            publications.c.topic_id == str(self._source.topic_id),
            publications.c.sequence.between(self._first, last),
        )
        return int(connection.execute(found).scalar_one())

    def _refuted(self, sequence: int, what: str, *, expected: object, got: object) -> Refuted:
        return Refuted(self._source.topic_id, sequence, what, expected=expected, got=got)


def _as_event(frame: Whole) -> Found:
    """A frame as it is told where nobody opens it."""
    told: dict[str, JSON] = {"frame": base64.b64encode(frame.data).decode()}
    return Found(Event(NO_EVENT, SEALED, frame.consensus_ns // 1_000_000, None, told), 0, frame)


def _name(event_id: bytes) -> str:
    return str(uuid.UUID(bytes=event_id))
