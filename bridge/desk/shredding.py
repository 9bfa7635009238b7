"""Takes a campaign's or a user's keys away for good, and with them what the database holds of their events.

Functions over the caller's transaction, which also replaces the master key and the store key: a copy of the database
from before opens with neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, select, update

from bridge.errors import CampaignRefused, KeysRefused
from bridge.keys.at_rest import AtRest
from bridge.keys.ring import campaign_owner, user_owner
from bridge.protocol.channels import ACCOUNT, Channel, is_id
from bridge.protocol.wire.control import MAX_KIDS, Close, ControlBody
from bridge.protocol.wire.control import Shredded as Record
from bridge.publish import closing, own_messages
from bridge.publish.flights import MANIFEST
from bridge.publish.loading import Load as Loaded
from bridge.publish.outbox import EntryState
from bridge.schema import channels, entries, epochs, grants, publications, registry

KIND = "shred"
SHREDDED = "its key was shredded"


Load = Callable[[Connection, Sequence[str]], Sequence[Loaded]]


@dataclass(frozen=True, slots=True)
class Shredded:
    """What was destroyed: the keys with these ids, so many publications, and so many events that will not be sent.

    `recorded_in` is the campaign in whose topic it is written down, without a name.
    """

    kids: tuple[bytes, ...]
    publications: int
    dropped: int
    recorded_in: str


@dataclass(frozen=True, slots=True)
class Shredding:
    """Who asked for it and when; `load` puts a campaign's next flight on disk."""

    at_rest: AtRest
    load: Load
    by: str
    now_ms: int

    def user(self, connection: Connection, user_id: str) -> Shredded:
        """Everything that is for this user alone. Raises KeysRefused (404: it has no keys here)."""
        owner, channel = user_owner(user_id), str(Channel("user", user_id))
        kids = _kids(connection, owner)
        if not kids:
            raise KeysRefused(f"user {user_id} has no keys here", status=404, hint="see `hcs-bridge keys list`")
        dropped = self._drop(connection, entries.c.channel == channel)
        stands = grants.c.revoked_ms.is_(None)  # who was revoked stays so
        connection.execute(delete(grants).where(grants.c.user_id == user_id, stands))
        connection.execute(delete(epochs).where(epochs.c.owner == owner))
        self._record(connection, ACCOUNT, kids)
        return Shredded(kids, _empty(connection, channel), dropped, ACCOUNT)

    def campaign(self, connection: Connection, ref: str) -> Shredded:
        """Everything of this campaign, which takes no more events. Raises CampaignRefused, KeysRefused (404)."""
        known, owner = registry.find(connection, ref) if is_id(ref) else None, campaign_owner(ref)
        if known is None:
            raise CampaignRefused(ref, "is not registered", status=404, hint="see `hcs-bridge topic list`")
        kids = _kids(connection, owner)
        if not kids:
            raise KeysRefused(f"campaign {ref} has no keys here", status=404, hint="see `hcs-bridge keys list`")
        dropped = self._drop(connection, entries.c.ref == ref)
        recorded_in = ref if known.takes_events and self._farewell(connection, ref, kids) else ACCOUNT
        if recorded_in == ACCOUNT:
            self._record(connection, ACCOUNT, kids)
        registry.close(connection, ref, now_ms=self.now_ms)
        if known.topic_id is not None:
            registry.closed(connection, known.topic_id)  # nothing more can be sealed for it
        connection.execute(delete(grants).where(grants.c.ref == ref))
        connection.execute(delete(epochs).where(epochs.c.owner == owner))
        return Shredded(kids, _empty(connection, str(Channel("campaign", ref))), dropped, recorded_in)

    def _farewell(self, connection: Connection, ref: str, kids: Sequence[bytes]) -> bool:
        """Seal a last frame, if none is under way, for those who hold the keys: they were destroyed, and it ends."""
        own = self._record(connection, ref, kids[:MAX_KIDS])
        own.append(self._put(connection, ref, closing.KIND, Close()))
        [loaded] = self.load(connection, [ref])
        if loaded.fresh and loaded.flight is not None and loaded.flight.producer_sequence != MANIFEST:
            return True
        connection.execute(delete(entries).where(entries.c.event_id.in_(own)))
        return False

    def _record(self, connection: Connection, ref: str, kids: Sequence[bytes]) -> list[bytes]:
        portions = [tuple(kids[begin : begin + MAX_KIDS]) for begin in range(0, len(kids), MAX_KIDS)]
        return [self._put(connection, ref, KIND, Record(some)) for some in portions]

    def _put(self, connection: Connection, ref: str, kind: str, body: ControlBody) -> bytes:
        message = (kind, body)
        return own_messages.put(connection, ref, message, self.at_rest, api_key=self.by, now_ms=self.now_ms)

    def _drop(self, connection: Connection, whose: ColumnElement[bool]) -> int:
        """What waits is not sent. What is on its way stays as it was sealed; no body says any more what it was."""
        waits = entries.c.state.in_((EntryState.WAITING, EntryState.PARKED))
        given_up = {
            "state": EntryState.DROPPED,
            "reason": SHREDDED,
            "handled_by": self.by,
            "handled_ms": self.now_ms,
        }
        dropped = connection.execute(update(entries).where(whose, waits).values(given_up)).rowcount
        connection.execute(update(entries).where(whose, entries.c.kind == "event").values(body=b""))
        return dropped


def _kids(connection: Connection, owner: str) -> tuple[bytes, ...]:
    return tuple(connection.execute(select(epochs.c.kid).where(epochs.c.owner == owner)).scalars())


def _empty(connection: Connection, channel: str) -> int:
    """Take a channel's publications away; clients are told that there is nothing below its floor."""
    count = connection.execute(delete(publications).where(publications.c.channel == channel)).rowcount
    connection.execute(update(channels).where(channels.c.channel == channel).values(floor=channels.c.top))
    return count
