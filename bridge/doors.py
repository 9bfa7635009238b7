"""What stands behind the two doors: the HTTP door's work and the gateway's reading, done by the corridors' rooms."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from bridge.errors import ChangeRefused, Problem, Unavailable
from bridge.fanout import Fanout
from bridge.gateway.backend import CampaignView, EventView
from bridge.intake.rows import Fate, Offer, Outcome
from bridge.log import get_logger, tells_details
from bridge.offline import campaign_view, event_view
from bridge.protocol import envelope
from bridge.protocol.channels import ID_RULE, Channel, is_id
from bridge.protocol.door.changes import Limits, validate_changes
from bridge.protocol.realtime.recovery import Publication, StreamPosition
from bridge.protocol.values import JSON
from bridge.protocol.wire.control import Control
from bridge.publish import mending, outbox
from bridge.publish.arrivals import Arrival, Given
from bridge.publish.bodies import open_element
from bridge.publish.ingest import Accepted, Request
from bridge.publish.mending import Handled
from bridge.publish.outbox import Entry
from bridge.room_settings import section_as
from bridge.rooms import Outbound
from bridge.schema import registry
from bridge.storage import Storage

log = get_logger(__name__)

Wake = Callable[[Iterable[str]], None]
"""Told the campaigns that have something to submit."""
MAX_LISTED_IDS = 1000
"""So many open, and so many rejected ids a subscribe reply lists at most; older ones are long settled or lost."""


class Backend:
    """Does what the HTTP door asks (port: bridge.gateway.backend.Backend)."""

    def __init__(self, storage: Storage, rooms: Outbound, fanout: Fanout, wake: Wake) -> None:
        self._storage = storage
        self._rooms = rooms
        self._fanout = fanout
        self._wake = wake
        self._limits = section_as(Limits, storage.config.events)

    def reconfigure(self, limits: Limits) -> None:
        """What comes from now on is held to these."""
        self._limits = limits

    async def create_campaign(
        self,
        id: str,  # noqa: A002 - the API's word
        owner_id: str,
        *,
        sealed: bool | None = None,
        api_key: str,
    ) -> CampaignView:
        """Register the campaign; its topic is made at once, behind this answer."""
        problems = [
            Problem(0, field, "string", ID_RULE)
            for field, text in (("id", id), ("ownerId", owner_id))
            if not is_id(text)
        ]
        if problems:
            raise ChangeRefused(problems)
        await self._rooms.ingest.register(id, owner_id, sealed=sealed, api_key=api_key)
        self._wake([id])
        view = await self.campaign(id)
        if view is None:
            raise RuntimeError(f"campaign {id} was registered and is not there")
        return view

    async def campaign(self, id: str) -> CampaignView | None:  # noqa: A002
        """What is known of a campaign."""
        view = await self._storage.database.read(lambda c: campaign_view(c, id))
        if view is None:
            return None
        stopped = self._rooms.submitter.stopped(id)
        return CampaignView(view.campaign, view.owner, view.status, view.topic_id, view.sequence, stopped, view.relay)

    async def accept(
        self, raw_changes: Sequence[JSON], *, api_key: str, idempotency: tuple[str, bytes] | None
    ) -> list[str]:
        """The whole way in: validate, keep, tell who is subscribed, wake the submitter."""
        if "ingest" not in self._storage.config.daemon.roles:
            raise Unavailable("this daemon", "it takes no events; ask one with the role ingest (daemon.roles)")
        changes = validate_changes(list(raw_changes), catalogue=self._storage.catalogue, limits=self._limits)
        accepted = await self._rooms.ingest.accept(changes, Request(api_key, idempotency))
        self._tell(accepted)
        return [_uuid_text(event_id) for event_id in accepted.ids]

    async def take(self, offers: Sequence[Offer], *, source: str) -> list[Outcome]:
        """The same for each offer by itself: one that is refused keeps no other out. Its costs are the source's.

        Raises Unavailable: nothing is kept, as far as anybody knows; the same again, later.
        """
        given: dict[int, Given] = {}
        outcomes: dict[int, Outcome] = {}
        for place, offer in enumerate(offers):
            try:
                given[place] = self._given(offer)
            except ChangeRefused as refused:
                outcomes[place] = Outcome(
                    Fate.REFUSED, "; ".join(f"{each.field}: {each.rule}" for each in refused.problems)
                )
        for place, found in zip(given, await self._rooms.ingest.take(list(given.values()), source), strict=True):
            if isinstance(found, Accepted):
                self._tell(found)
                outcomes[place] = Outcome(Fate.TAKEN if found.arrivals else Fate.SEEN)
            else:
                outcomes[place] = Outcome(Fate.REFUSED, f"{found}; {found.hint}" if found.hint else str(found))
        return [outcomes[place] for place in range(len(offers))]

    def _given(self, offer: Offer) -> Given:
        """Raises ChangeRefused."""
        if offer.fault is not None:
            raise ChangeRefused([offer.fault])
        [change] = validate_changes(offer.change, catalogue=self._storage.catalogue, limits=self._limits)
        if offer.owner is not None and not is_id(offer.owner):
            raise ChangeRefused([Problem(0, "owner", "string", ID_RULE)])
        return Given(change, offer.event_id, offer.owner)

    def _tell(self, accepted: Accepted) -> None:
        """Who is subscribed, and the submitter."""
        details = tells_details(__name__)
        for arrival in accepted.arrivals:
            if details:
                log.debug("event accepted", id=_uuid_text(arrival.event.id), campaign=arrival.ref)
            if arrival.ref not in accepted.sealed and self._fanout.heard(arrival.channel):
                self._fanout.pass_on(arrival.channel, _provisional(arrival))
        self._wake({arrival.ref for arrival in accepted.arrivals})

    async def event(self, id: str) -> EventView | None:  # noqa: A002
        """What became of an accepted event."""
        try:
            event_id = uuid.UUID(id).bytes
        except ValueError:
            return None
        return await self._storage.database.read(lambda c: event_view(c, event_id))


class ChannelHistory:
    """Reads channels for the gateway (port: bridge.gateway.history.History).

    `start` is told of each top that was read, where publications come from another daemon; False: read it again.
    """

    def __init__(self, storage: Storage, start: Callable[[str, int], bool] = lambda _channel, _top: True) -> None:
        self._database = storage.database
        self._store = storage.store
        self._start = start

    async def top(self, channel: str) -> StreamPosition:
        """Where the channel ends now; what is behind it comes to the hub from here on."""
        while True:
            found = await self._database.read(lambda c: self._top(c, channel))
            if self._start(channel, found.offset):
                return found

    async def read(self, channel: str, *, since: int, limit: int, reverse: bool = False) -> list[Publication]:
        """Publications behind `since`, or before it, newest first."""
        return await self._database.read(
            lambda c: self._store.read(c, channel, since=since, limit=limit, reverse=reverse)
        )

    async def open_ids(self, channel: str) -> Mapping[str, JSON]:
        """What was accepted and isn't confirmed yet, and what lately was parked."""
        return await self._database.read(lambda c: _open_ids(c, channel))

    async def owner_of(self, campaign_id: str) -> str | None:
        """The user who owns a campaign."""
        found = await self._database.read(lambda c: registry.find(c, campaign_id))
        return None if found is None else found.owner

    def _top(self, connection: Connection, channel: str) -> StreamPosition:
        named = Channel.parse(channel)
        found = registry.find(connection, named.id) if named.kind == "campaign" else None
        return self._store.top(connection, channel, None if found is None else found.topic_id)


class Announcer:
    """Tells subscribers that an event they saw as provisional will not be confirmed, or is on its way after all.

    Of a sealed campaign's events they saw none, and are told nothing.
    """

    def __init__(self, storage: Storage, fanout: Fanout) -> None:
        self._storage = storage
        self._fanout = fanout

    async def reject(self, entries: Sequence[Entry], reason: str) -> None:
        """The network refuses these for what they say, or an operator has given them up."""
        for entry in await self._in_plain(entries):
            if not entry.body:
                continue  # shredded: nobody knows any more what it was
            event = open_element(self._storage.at_rest, entry.event_id, entry.body)
            if isinstance(event, Control):
                continue  # nobody was told of it
            channel = Channel.parse(entry.channel)
            data = envelope.rejected(
                event,
                data_type=self._storage.catalogue.data_type(event.type),
                campaign_id=channel.id if channel.kind == "campaign" else None,
                reason=reason,
            )
            self._fanout.pass_on(entry.channel, data)

    async def readmit(self, handled: Sequence[Handled]) -> None:
        """These were rejected and wait again: provisional, as when they were accepted."""
        plain = {entry.id for entry in await self._in_plain([each.entry for each in handled])}
        for each in handled:
            if each.entry.id not in plain:
                continue
            event = open_element(self._storage.at_rest, each.entry.event_id, each.entry.body)
            if isinstance(event, Control):
                continue
            data_type = self._storage.catalogue.data_type(event.type)
            data = envelope.provisional(event, data_type=data_type, campaign_id=each.ref)
            self._fanout.pass_on(each.entry.channel, data)

    async def _in_plain(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those whose campaigns aren't sealed."""
        sealed = await self._storage.database.read(lambda c: mending.of_sealed(c, entries))
        return [entry for entry in entries if entry.id not in sealed]


def _uuid_text(event_id: bytes) -> str:
    """As str(uuid.UUID(bytes=…)), in less time."""
    text = event_id.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _provisional(arrival: Arrival) -> bytes:
    return envelope.provisional(arrival.event, data_type=arrival.data_type, campaign_id=arrival.ref)


def _open_ids(connection: Connection, channel: str) -> dict[str, JSON]:
    waiting = outbox.open_ids(connection, channel, limit=MAX_LISTED_IDS)
    parked = outbox.parked(connection, channel, limit=MAX_LISTED_IDS)
    return {
        "open": [str(uuid.UUID(bytes=event_id)) for event_id in waiting],
        "rejected": [{"id": str(uuid.UUID(bytes=event_id)), "reason": reason} for event_id, reason in parked],
    }
