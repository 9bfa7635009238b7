"""The outbound corridor's first half: changes come in, are checked, and are on disk before anybody is told yes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bridge.counts import count
from bridge.database import Database
from bridge.errors import BridgeError, CampaignRefused, IdempotencyConflict, Problem
from bridge.keys.at_rest import AtRest
from bridge.keys.ring import KeyRing, campaign_owner, user_owner
from bridge.log import get_logger
from bridge.protocol.door.statuses import unexpected_transition
from bridge.protocol.values import Change
from bridge.protocol.wire.events import code_event
from bridge.protocol.wire.sizes import element_size
from bridge.publish import costs, idempotency, outbox
from bridge.publish.arrivals import Arrival, Given, arrival_of
from bridge.publish.bodies import seal_body
from bridge.publish.costs import NOBODY
from bridge.publish.idempotency import Answer, Name
from bridge.publish.outbox import NewEntry
from bridge.publish.pool import Pool
from bridge.publish.welcome import Refusal, Welcome
from bridge.schema import registry
from bridge.statements import sliced
from topics.registry import Registration

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was answered yes to: the ids in the order of the request, and the events that are new with it.

    `sealed` are those campaigns whose events nobody is told of here.
    """

    ids: tuple[bytes, ...]
    arrivals: tuple[Arrival, ...]
    sealed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Request:
    """Who sent the changes; `idempotency` is the sender's key and the hash of the body it stands for."""

    api_key: str
    idempotency: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A request on its way to the disk, its changes as arrivals and as entries."""

    request: Request
    arrivals: tuple[Arrival, ...]
    entries: Sequence[NewEntry]
    now_ms: int

    @property
    def ids(self) -> tuple[bytes, ...]:
        """Of its events, in their order."""
        return tuple(arrival.event.id for arrival in self.arrivals)

    @property
    def name(self) -> Name | None:
        """What it goes by if it is repeated."""
        return None if self.request.idempotency is None else (self.request.api_key, self.request.idempotency[0])

    @property
    def answer(self) -> Answer:
        """What is remembered under its name."""
        body_hash = b"" if self.request.idempotency is None else self.request.idempotency[1]
        return Answer(body_hash, self.ids, self.now_ms)


class Ingest:
    """Holds what an event is made and kept with."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        at_rest: AtRest,
        welcome: Welcome,
        *,
        now_ms: Callable[[], int],
        pool: Pool | None = None,
    ) -> None:
        self._database = database
        self._ring = ring
        self._at_rest = at_rest
        self._welcome = welcome
        self._now_ms = now_ms
        self._pool = pool

    async def accept(self, changes: Sequence[Change], request: Request) -> Accepted:
        """Keep all of the changes or none. When this returns they are on disk.

        Raises CampaignRefused, IdempotencyConflict, Unavailable; then nothing is stored.
        """
        now_ms = self._now_ms()
        wanted = self._wanted([arrival_of(change, now_ms) for change in changes], request, now_ms)
        accepted = await self._database.write_together(self._keep, wanted)
        _note(changes, accepted)
        return accepted

    async def take(self, given: Sequence[Given], api_key: str) -> list[Accepted | BridgeError]:
        """Keep each by itself, all in one transaction: in its place what was accepted, or why it is refused.

        With one whose id the outbox has, nothing is new: it was accepted before. The outbox forgets an event only long
        after it was settled (`forgetting`): who gives ids comes back with one within seconds, or after an outage.
        Raises Unavailable; then nothing is stored.
        """
        now_ms, request = self._now_ms(), Request(api_key)
        wanted = [self._wanted([arrival_of(each.change, now_ms, each.event_id)], request, now_ms) for each in given]
        owners = {each.change.campaign_id: each.owner for each in given if each.change.campaign_id and each.owner}
        outcomes = await self._database.write(lambda c: self._take(c, wanted, owners))
        for each, outcome in zip(given, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                _note([each.change], outcome)
        return outcomes

    async def register(
        self, campaign_id: str, owner_id: str | None, *, sealed: bool | None = None, api_key: str = NOBODY
    ) -> Registration:
        """Make the campaign known; its topic follows, on the API key's bill. `sealed` None: as configured.

        Raises CampaignRefused (409: another owner, another relay mode), Unavailable.
        """
        registered = await self._database.write(
            lambda c: self._intend(c, campaign_id, owner_id, api_key, sealed=sealed)
        )
        if owner_id is not None and registered.owner != owner_id:
            raise CampaignRefused(campaign_id, "is registered with another owner", status=409)
        if sealed is not None and registered.sealed != sealed:
            raise CampaignRefused(campaign_id, "is registered with another relay mode, which stays", status=409)
        return registered

    def _take(
        self, connection: Connection, wanted: Sequence[_Wanted], owners: Mapping[str, str]
    ) -> list[Accepted | BridgeError]:
        """As `_keep`, of what isn't in the outbox yet; before it, every campaign of `owners` is known and has one."""
        known = outbox.known(connection, [each.ids[0] for each in wanted])
        for refs in sliced(owners):
            found = registry.find_all(connection, refs)
            for ref in refs:
                if ref not in found or found[ref].owner is None:
                    self._intend(connection, ref, owners[ref], wanted[0].request.api_key)
        fresh = {each.ids[0]: each for each in wanted if each.ids[0] not in known}
        kept = dict(zip(fresh, self._keep(connection, list(fresh.values())), strict=True))
        return [kept.get(each.ids[0]) or Accepted(each.ids, ()) for each in wanted]

    def _keep(self, connection: Connection, wanted: Sequence[_Wanted]) -> list[Accepted | BridgeError]:
        """Judge the requests of a group in their order, and store those that are new; of a refused one, nothing."""
        answers = idempotency.earlier(connection, {each.name for each in wanted if each.name is not None})
        # every campaign that is registered: why it takes no events, None if it does
        endings: dict[str, str | None] = {}
        sealed: set[str] = set()
        for refs in sliced({arrival.ref for each in wanted for arrival in each.arrivals}):
            endings |= registry.endings(connection, refs)
            sealed |= registry.sealed(connection, refs)
            sealed.update(ref for ref in refs if ref not in endings and self._welcome.seals(ref))
        outcomes: list[Accepted | BridgeError] = []
        fresh: list[_Wanted] = []
        for each in wanted:
            try:
                if (accepted := _answered(each, answers)) is None:
                    self._check_campaigns(each, endings)
                    fresh.append(each)
                    accepted = Accepted(each.ids, each.arrivals, frozenset(sealed))
                    if each.name is not None:
                        answers[each.name] = each.answer
                outcomes.append(accepted)
            except (CampaignRefused, IdempotencyConflict) as refusal:
                outcomes.append(refusal)
        self._store(connection, fresh, endings)
        return outcomes

    def _store(self, connection: Connection, fresh: Sequence[_Wanted], endings: dict[str, str | None]) -> None:
        for each in fresh:
            for ref in {arrival.ref for arrival in each.arrivals} - endings.keys():
                self._intend(connection, ref, None, each.request.api_key)
                endings[ref] = None
        users = {arrival.event.audience for each in fresh for arrival in each.arrivals} - {None}
        self._ring.ensure_all(connection, {user_owner(str(user)) for user in users}, now_ms=self._now_ms())
        outbox.append(connection, [entry for each in fresh for entry in each.entries])
        idempotency.keep(connection, [(each.name, each.answer) for each in fresh if each.name is not None])

    def _check_campaigns(self, wanted: _Wanted, endings: Mapping[str, str | None]) -> None:
        """Raises CampaignRefused where one is closed, or is unknown and may not be created on demand."""
        refused: list[tuple[str, Refusal]] = []
        problems: list[Problem] = []
        for index, arrival in enumerate(wanted.arrivals):
            if (refusal := self._welcome.refusal(arrival.ref, endings)) is not None:
                refused.append((arrival.ref, refusal))
                problems.append(Problem(index, "campaignId", "string", f"campaign {arrival.ref} {refusal.reason}"))
        if refused:
            ref, first = refused[0]
            raise CampaignRefused(ref, first.reason, status=first.status, hint=first.hint, problems=problems)

    def _intend(
        self, connection: Connection, ref: str, owner: str | None, api_key: str, *, sealed: bool | None = None
    ) -> Registration:
        now_ms = self._now_ms()
        self._ring.ensure(connection, campaign_owner(ref), now_ms=now_ms)
        is_new = registry.find(connection, ref) is None
        mode = self._welcome.seals(ref, sealed)
        registered = registry.intend(connection, ref, owner=owner, now_ms=now_ms, sealed=mode)
        if is_new:
            costs.sponsor(connection, ref, api_key)
            if self._pool is not None and self._pool.take(connection, ref) is not None:
                return registry.find(connection, ref) or registered
        return registered

    def _wanted(self, arrivals: Sequence[Arrival], request: Request, now_ms: int) -> _Wanted:
        entries = [self._entry(arrival, request.api_key, now_ms) for arrival in arrivals]
        return _Wanted(request, tuple(arrivals), entries, now_ms)

    def _entry(self, arrival: Arrival, api_key: str, now_ms: int) -> NewEntry:
        event_id, coded = arrival.event.id, code_event(arrival.event)
        body = seal_body(self._at_rest, event_id, coded)
        return NewEntry(event_id, arrival.ref, arrival.channel, body, element_size(coded), api_key, now_ms)


def _answered(wanted: _Wanted, answers: Mapping[Name, Answer]) -> Accepted | None:
    """What the request was answered before. Raises IdempotencyConflict if that was another one."""
    if wanted.name is None or (answer := answers.get(wanted.name)) is None:
        return None
    answer.check(wanted.answer, wanted.name)
    return Accepted(answer.event_ids, ())


def _note(changes: Sequence[Change], accepted: Accepted) -> None:
    """Count what is new, and warn of what no campaign should do."""
    count("accepted", by=len(accepted.arrivals))
    for change in changes if accepted.arrivals else ():
        _warn_of_transition(change)


def _warn_of_transition(change: Change) -> None:
    old, new = change.payload.get("oldStatus"), change.payload.get("newStatus")
    if isinstance(old, str) and isinstance(new, str) and unexpected_transition(old, new):
        log.warning("unexpected status transition", campaign=change.campaign_id, old=old, new=new)
