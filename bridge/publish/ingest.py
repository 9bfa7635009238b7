"""The outbound corridor's first half: changes come in, are checked, and are on disk before anybody is told yes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from bridge.database import Database
from bridge.errors import CampaignRefused
from bridge.keys.at_rest import AtRest
from bridge.keys.ring import KeyRing, campaign_owner, user_owner
from bridge.log import get_logger
from bridge.protocol.channels import ACCOUNT, Channel
from bridge.protocol.door.statuses import unexpected_transition
from bridge.protocol.values import Change, Event
from bridge.protocol.wire.events import uuid7
from bridge.protocol.wire.sizes import element_size
from bridge.publish import costs, idempotency, outbox
from bridge.publish.bodies import seal_event
from bridge.publish.costs import NOBODY
from bridge.publish.outbox import NewEntry
from bridge.schema import registry
from topics.registry import Registration, TopicState

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A change that has become an event: where it goes, and as what it will be told."""

    event: Event
    data_type: str
    ref: str

    @property
    def channel(self) -> str:
        """Who gets it: its user, or everyone on the campaign."""
        if self.event.audience is not None:
            return str(Channel("user", self.event.audience))
        return str(Channel("campaign", self.ref))


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was answered yes to: the ids in the order of the request, and the events that are new with it."""

    ids: tuple[bytes, ...]
    arrivals: tuple[Arrival, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """Who sent the changes; `idempotency` is the sender's key and the hash of the body it stands for."""

    api_key: str
    idempotency: tuple[str, bytes] | None = None


class Ingest:
    """Holds what an event is made and kept with."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        at_rest: AtRest,
        *,
        create_on_demand: bool,
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._ring = ring
        self._at_rest = at_rest
        self._create_on_demand = create_on_demand
        self._now_ms = now_ms

    async def accept(self, changes: Sequence[Change], request: Request) -> Accepted:
        """Keep all of the changes or none. When this returns they are on disk.

        Raises CampaignRefused, IdempotencyConflict, Unavailable; then nothing is stored.
        """
        now_ms = self._now_ms()
        arrivals = tuple(_arrival(change, now_ms) for change in changes)
        accepted = await self._database.write(partial(self._keep, arrivals=arrivals, request=request, now_ms=now_ms))
        for change in changes if accepted.arrivals else ():
            _warn_of_transition(change)
        return accepted

    async def register(self, campaign_id: str, owner_id: str | None, *, api_key: str = NOBODY) -> Registration:
        """Make the campaign known; its topic follows, on the API key's bill.

        Raises CampaignRefused (409: another owner), Unavailable.
        """
        registered = await self._database.write(lambda c: self._intend(c, campaign_id, owner_id, api_key))
        if owner_id is not None and registered.owner != owner_id:
            raise CampaignRefused(campaign_id, "is registered with another owner", status=409)
        return registered

    def _keep(self, connection: Connection, *, arrivals: Sequence[Arrival], request: Request, now_ms: int) -> Accepted:
        if request.idempotency is not None:
            earlier = idempotency.earlier(connection, request.api_key, request.idempotency)
            if earlier is not None:
                return Accepted(earlier, ())
        for ref in dict.fromkeys(arrival.ref for arrival in arrivals):
            self._admit(connection, ref, request.api_key)
        for user_id in {arrival.event.audience for arrival in arrivals} - {None}:
            self._ring.ensure(connection, user_owner(str(user_id)), now_ms=now_ms)
        entries = [self._entry(arrival) for arrival in arrivals]
        outbox.append(connection, entries, api_key=request.api_key, now_ms=now_ms)
        ids = tuple(arrival.event.id for arrival in arrivals)
        if request.idempotency is not None:
            idempotency.keep(connection, request.api_key, request.idempotency, event_ids=ids, now_ms=now_ms)
        return Accepted(ids, tuple(arrivals))

    def _admit(self, connection: Connection, ref: str, api_key: str) -> None:
        registered = registry.find(connection, ref)
        if registered is None and ref != ACCOUNT and not self._create_on_demand:
            hint = "create it first: POST /v1/campaigns, or `hcs-bridge topic create`"
            raise CampaignRefused(ref, "is not registered, and topics.create_on_demand is off", status=404, hint=hint)
        if registered is None:
            self._intend(connection, ref, None, api_key)
        elif registered.state is TopicState.CLOSED:
            raise CampaignRefused(ref, "is closed", status=409)

    def _intend(self, connection: Connection, ref: str, owner: str | None, api_key: str) -> Registration:
        now_ms = self._now_ms()
        self._ring.ensure(connection, campaign_owner(ref), now_ms=now_ms)
        is_new = registry.find(connection, ref) is None
        registered = registry.intend(connection, ref, owner=owner, now_ms=now_ms)
        if is_new:
            costs.sponsor(connection, ref, api_key)
        return registered

    def _entry(self, arrival: Arrival) -> NewEntry:
        body = seal_event(self._at_rest, arrival.event)
        return NewEntry(arrival.event.id, arrival.ref, arrival.channel, body, element_size(arrival.event))


def _arrival(change: Change, now_ms: int) -> Arrival:
    time_ms = now_ms if change.time_ms is None else change.time_ms
    event = Event(uuid7(now_ms, os.urandom(10)), change.event, time_ms, change.user_id, change.payload)
    return Arrival(event, change.data_type, change.campaign_id or ACCOUNT)


def _warn_of_transition(change: Change) -> None:
    old, new = change.payload.get("oldStatus"), change.payload.get("newStatus")
    if isinstance(old, str) and isinstance(new, str) and unexpected_transition(old, new):
        log.warning("unexpected status transition", campaign=change.campaign_id, old=old, new=new)
