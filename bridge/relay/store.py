"""What has been relayed: each topic's progress and each channel's publications, moved on in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select

from bridge import settings
from bridge.keys.at_rest import AtRest
from bridge.protocol import envelope
from bridge.protocol.channels import Channel, campaign_offset
from bridge.protocol.realtime.recovery import Publication, StreamPosition
from bridge.relay import progress
from bridge.relay.tail import Batch, Placed
from bridge.schema import channels, publications
from bridge.statements import upsert
from topics.values import TopicId

LABEL = "publication"
_PUBLISH = insert(publications)
_TOP = select(channels.c.top).where(channels.c.channel == bindparam("wanted"))


@dataclass(frozen=True, slots=True)
class News:
    """A publication for the hub: its channel, its place there, its data as JSON."""

    channel: str
    publication: Publication


@dataclass(frozen=True, slots=True)
class Source:
    """Where a batch came from: the topic, and the campaign (or the account topic) that it belongs to."""

    topic_id: TopicId
    ref: str


class Store:
    """Holds how bodies are sealed and what an event's data type is; the rest is in the database."""

    def __init__(self, at_rest: AtRest, data_type: Callable[[str], str]) -> None:
        self._at_rest = at_rest
        self._data_type = data_type

    def append(self, connection: Connection, source: Source, batch: Batch) -> list[News]:
        """Keep a batch's publications and the topic's progress. The news come back, for when this has committed."""
        tops: dict[str, int] = {}
        rows = [self._row(connection, source, placed, tops) for placed in batch.events]
        if rows:
            connection.execute(_PUBLISH, [row for _, row in rows])
            for channel, top in tops.items():
                upsert(connection, channels, {"channel": channel, "top": top})
        progress.keep(connection, source.topic_id, batch.progress)
        return [news for news, _ in rows]

    def read(
        self, connection: Connection, channel: str, *, since: int, limit: int, reverse: bool = False
    ) -> list[Publication]:
        """The publications behind `since` (before it, newest first, with `reverse`), at most `limit`."""
        found = select(publications.c.offset, publications.c.body).where(publications.c.channel == channel)
        if reverse:
            found = found.order_by(publications.c.offset.desc()).where(publications.c.offset < since)
        else:
            found = found.order_by(publications.c.offset).where(publications.c.offset > since)
        return [
            Publication(offset, self._at_rest.open(body, LABEL, channel, offset))
            for offset, body in connection.execute(found.limit(limit))
        ]

    def top(self, connection: Connection, channel: str, topic_id: TopicId | None) -> StreamPosition:
        """A channel's newest place. `topic_id` is the campaign's; a user's channel has the store's own epoch."""
        if Channel.parse(channel).kind == "user":
            epoch = settings.generation(connection)
        else:
            epoch = (progress.of(connection, topic_id).channel_epoch if topic_id else None) or ""
        return StreamPosition(_top(connection, channel), epoch)

    def _row(
        self, connection: Connection, source: Source, placed: Placed, tops: dict[str, int]
    ) -> tuple[News, dict[str, object]]:
        """A publication as news and as a row. `tops` has the newest offsets of the batch so far, and gets this one."""
        event, place = placed.event, placed.place
        if event.audience is None:
            channel = str(Channel("campaign", source.ref))
            offset = campaign_offset(place.sequence, place.index)
        else:
            channel = str(Channel("user", event.audience))
            offset = 1 + (tops[channel] if channel in tops else _top(connection, channel))
        tops[channel] = offset
        data = envelope.confirmed(event, data_type=self._data_type(event.type), campaign_id=source.ref, place=place)
        row = {
            "channel": channel,
            "offset": offset,
            "topic_id": str(place.topic_id),
            "sequence": place.sequence,
            "index": place.index,
            "event_id": event.id,
            "consensus_ns": place.consensus_ns,
            "body": self._at_rest.seal(data, LABEL, channel, offset),
        }
        return News(channel, Publication(offset, data)), row


def _top(connection: Connection, channel: str) -> int:
    return connection.execute(_TOP, {"wanted": channel}).scalar_one_or_none() or 0
