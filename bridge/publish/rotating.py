"""A campaign's next epoch: its announcement waits in the outbox, and its key is drawn when that boards a flight.

So the newest epoch in the ring is always the one that the next frame is sealed under. Functions over the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from bridge.errors import CampaignRefused
from bridge.keys.at_rest import AtRest
from bridge.keys.people import WRAPPED_BYTES
from bridge.keys.ring import KeyRing, campaign_owner, retract
from bridge.protocol.values import KID_BYTES
from bridge.protocol.wire.control import Control, Rotation
from bridge.protocol.wire.events import Coded, code_event
from bridge.publish import own_messages
from bridge.publish.bodies import open_element, seal_body
from bridge.publish.outbox import Entry, EntryState
from bridge.schema import entries, epochs, registry

KIND = "rotate"
DAY_MS = 86_400_000
_UNDRAWN = Rotation(bytes(KID_BYTES), bytes(WRAPPED_BYTES))
"""As large as any: what a rotation takes in a frame is counted before there is a key."""


@dataclass(frozen=True, slots=True)
class RotateAfter:
    """When an epoch is followed by another unasked: days since it was made, frames sealed under it; 0: never."""

    rotate_after_days: float = 0
    rotate_after_frames: int = 0

    def __bool__(self) -> bool:
        return bool(self.rotate_after_days or self.rotate_after_frames)

    def is_due(self, connection: Connection, ref: str, *, producer_sequence: int, now_ms: int) -> bool:
        """Whether the epoch that the frame of this producer sequence is sealed under should be the last's."""
        newest = select(epochs.c.created_ms, epochs.c.since).where(epochs.c.owner == campaign_owner(ref))
        row = connection.execute(newest.order_by(epochs.c.number.desc()).limit(1)).one()
        is_old = now_ms - row.created_ms >= self.rotate_after_days * DAY_MS
        is_used = producer_sequence - row.since >= self.rotate_after_frames
        return bool((self.rotate_after_days and is_old) or (self.rotate_after_frames and is_used))


def rotate(connection: Connection, ref: str, at_rest: AtRest, *, api_key: str, now_ms: int) -> bytes:
    """Put a rotation behind all that was accepted for the campaign; the id of its entry.

    From the next frame behind it on, the campaign has another epoch. One that waits already serves; one that was parked
    with its frame waits again. Raises CampaignRefused (404: not registered, 409: nothing more is sealed for it).
    """
    known = registry.find(connection, ref)
    if known is None:
        raise CampaignRefused(ref, "is not registered", status=404, hint="see `hcs-bridge topic list`")
    if not known.takes_events:
        raise CampaignRefused(ref, f"is {known.status}: nothing more is sealed for it", status=409)
    pending = entries.c.state.in_((EntryState.WAITING, EntryState.PARKED))
    of_it = (entries.c.ref == ref, entries.c.kind == KIND, pending)
    found = connection.execute(select(entries.c.id, entries.c.event_id).where(*of_it).limit(1)).one_or_none()
    if found is None:
        return own_messages.put(connection, ref, (KIND, _UNDRAWN), at_rest, api_key=api_key, now_ms=now_ms)
    anew = {"state": EntryState.WAITING, "reason": None, "flight_id": None, "index": None}
    connection.execute(update(entries).where(entries.c.id == found.id).values(anew))
    return bytes(found.event_id)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a new epoch is drawn with; `wrap` gives its key for the recovery key, None without one."""

    ring: KeyRing
    at_rest: AtRest
    wrap: Callable[[bytes], bytes | None]
    now_ms: int

    def draw(self, connection: Connection, entry: Entry, ref: str, *, producer_sequence: int) -> Coded:
        """The rotation in the frame of this producer sequence; its epoch is in the ring with the caller's commit."""
        waits = open_element(self.at_rest, entry.event_id, entry.body)
        by = connection.execute(select(entries.c.api_key).where(entries.c.id == entry.id)).scalar_one()
        owner = campaign_owner(ref)
        epoch = self.ring.renew(connection, owner, now_ms=self.now_ms, since=producer_sequence, by=by)
        rotation = Control(entry.event_id, waits.time_ms, Rotation(epoch.kid, self.wrap(epoch.key)))
        coded = code_event(rotation)
        body = seal_body(self.at_rest, entry.event_id, coded)
        connection.execute(update(entries).where(entries.c.id == entry.id).values(body=body))
        return coded


def undo(connection: Connection, ref: str, refused: Sequence[Entry]) -> None:
    """The rotations in a frame that was refused are not on the ledger: their epochs go."""
    if drawn := sum(own_messages.is_of_kind(entry, KIND) for entry in refused):
        retract(connection, campaign_owner(ref), drawn)
