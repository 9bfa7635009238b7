"""What has been relayed: each topic's progress and each channel's publications, moved on in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select

from bridge import settings
from bridge.keys.at_rest import AtRest
from bridge.protocol import envelope
from bridge.protocol.channels import Channel, campaign_offset
from bridge.protocol.envelope import Place
from bridge.protocol.realtime.recovery import Publication, StreamPosition
from bridge.protocol.values import EVENT_ID_BYTES
from bridge.relay import progress
from bridge.relay.placed import Placed, SealedFrame
from bridge.relay.tail import Batch
from bridge.schema import channels, publications
from bridge.statements import sliced, upsert
from topics.values import TopicId

LABEL = "publication"
NO_EVENT = bytes(EVENT_ID_BYTES)
"""Stands in the row of a sealed frame."""
PORTION = 500
"""Topics and events, counted together."""
_PUBLISH = insert(publications)
_TOPS = select(channels).where(channels.c.channel.in_(bindparam("some", expanding=True)))


@dataclass(frozen=True, slots=True)
class News:
    """A publication for the hub: its channel, its place there, its data as JSON; and the place before it, 0: none."""

    channel: str
    publication: Publication
    before: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where a batch came from: the topic, and the campaign (or the account topic) that it belongs to."""

    topic_id: TopicId
    ref: str


def portions(opened: Iterable[tuple[Source, Batch]]) -> Iterator[list[tuple[Source, Batch]]]:
    """In their order; a portion is large enough for statements to be shared, and no larger: its rows are in memory."""
    portion, size = list[tuple[Source, Batch]](), 0
    for each in opened:
        portion.append(each)
        size += 1 + len(each[1].events) + len(each[1].frames)
        if size >= PORTION:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


class Store:
    """Holds how bodies are sealed and what an event's data type is; the rest is in the database."""

    def __init__(self, at_rest: AtRest, data_type: Callable[[str], str]) -> None:
        self._at_rest = at_rest
        self._data_type = data_type

    def append(self, connection: Connection, opened: Sequence[tuple[Source, Batch]]) -> list[list[News]]:
        """Keep each batch's publications and its topic's progress. Its news come back, for when this has committed."""
        named = {
            _user(placed.event.audience) for _, batch in opened for placed in batch.events if placed.event.audience
        }
        named |= {_campaign(source) for source, _ in opened}
        tops = tops_of(connection, named)
        rows: list[dict[str, object]] = []
        news = [
            [self._publication(source, placed, tops, rows) for placed in batch.events]
            + [self._sealed(source, frame, tops, rows) for frame in batch.frames]
            for source, batch in opened
        ]
        if rows:
            connection.execute(_PUBLISH, rows)
            upsert(connection, channels, [{"channel": channel, "top": top} for channel, top in tops.items()])
        progress.keep(connection, {source.topic_id: batch.progress for source, batch in opened})
        return news

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
        row = connection.execute(_TOPS, {"some": [channel]}).one_or_none()
        return StreamPosition(0, epoch) if row is None else StreamPosition(row.top, epoch, row.floor)

    def _publication(self, source: Source, placed: Placed, tops: dict[str, int], rows: list[dict[str, object]]) -> News:
        """An event as news, and put behind the `rows`. `tops` has the channels' newest offsets, and gets this one."""
        event, place = placed.event, placed.place
        channel = _campaign(source) if event.audience is None else _user(event.audience)
        before = tops.get(channel, 0)
        offset = tops[channel] = campaign_offset(place.sequence, place.index) if event.audience is None else before + 1
        data = envelope.confirmed(event, data_type=self._data_type(event.type), campaign_id=source.ref, place=place)
        rows.append(self._row(channel, Publication(offset, data), place, event.id))
        return News(channel, Publication(offset, data), before)

    def _sealed(self, source: Source, frame: SealedFrame, tops: dict[str, int], rows: list[dict[str, object]]) -> News:
        """The same of a frame that nobody opens here: it stands where its first event would."""
        channel, place = _campaign(source), frame.place
        before = tops.get(channel, 0)
        offset = tops[channel] = campaign_offset(place.sequence, place.index)
        data = envelope.sealed(frame.data, campaign_id=source.ref, place=place, first=frame.first)
        rows.append(self._row(channel, Publication(offset, data), place, NO_EVENT))
        return News(channel, Publication(offset, data), before)

    def _row(self, channel: str, publication: Publication, place: Place, event_id: bytes) -> dict[str, object]:
        return {
            "channel": channel,
            "offset": publication.offset,
            "topic_id": str(place.topic_id),
            "sequence": place.sequence,
            "index": place.index,
            "event_id": event_id,
            "consensus_ns": place.consensus_ns,
            "body": self._at_rest.seal(publication.data, LABEL, channel, publication.offset),
        }


def _user(user_id: str) -> str:
    return str(Channel("user", user_id))


def _campaign(source: Source) -> str:
    return str(Channel("campaign", source.ref))


def tops_of(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The newest offset of each channel that has one."""
    found: dict[str, int] = {}
    for some in sliced(names):
        found |= {row.channel: row.top for row in connection.execute(_TOPS, {"some": some})}
    return found
