"""Who may have a campaign's keys, and from which epoch on. Functions over the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlalchemy import Connection, bindparam, func, insert, select, update

from bridge.keys.people import Purpose, wrap_to
from bridge.keys.ring import KeyRing, campaign_owner
from bridge.protocol.wire.epochs import Epoch
from bridge.schema import epochs, grants
from bridge.statements import upsert

BY_TOKEN = "(token)"  # noqa: S105 # no secret
"""Who gave a grant that was made at its user's first request, because the token names the campaign."""
FROM_START = 1

_FIND = select(grants).where(grants.c.ref == bindparam("of"), grants.c.user_id == bindparam("to"))
_IN_FORCE = select(func.max(epochs.c.number)).where(epochs.c.owner == bindparam("of"))
_KIDS = (
    select(epochs.c.kid)
    .where(epochs.c.owner == bindparam("of"), epochs.c.number >= bindparam("first"))
    .order_by(epochs.c.number.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A user's grant for one campaign. `first_number` counts the campaign's epochs, from 1."""

    user_id: str
    first_number: int
    given_ms: int
    given_by: str
    revoked_ms: int | None = None
    revoked_by: str | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a campaign's keys: whether the token names the campaign, or has a role that sees every one."""

    user_id: str
    named: bool = False
    sees_all: bool = False


def find(connection: Connection, ref: str, user_id: str) -> Grant | None:
    """The user's grant, revoked or not."""
    row = connection.execute(_FIND, {"of": ref, "to": user_id}).one_or_none()
    return None if row is None else Grant(*row[1:])


def of(connection: Connection, ref: str) -> list[Grant]:
    """The campaign's grants, oldest first."""
    found = select(grants).where(grants.c.ref == ref).order_by(grants.c.given_ms, grants.c.user_id)
    return [Grant(*row[1:]) for row in connection.execute(found)]


def give(connection: Connection, ref: str, user_id: str, *, from_start: bool, by: str, now_ms: int) -> Grant:
    """The user may have the epoch in force and those behind it, or every one. A grant that stands is only widened."""
    known = find(connection, ref, user_id)
    first = FROM_START if from_start else _in_force(connection, ref)
    if known is not None and known.revoked_ms is None:
        if known.first_number <= first:
            return known
        connection.execute(
            update(grants).where(grants.c.ref == ref, grants.c.user_id == user_id).values(first_number=first)
        )
        return Grant(user_id, first, known.given_ms, known.given_by)
    row = {"first_number": first, "given_ms": now_ms, "given_by": by, "revoked_ms": None, "revoked_by": None}
    upsert(connection, grants, [{"ref": ref, "user_id": user_id, **row}])
    return Grant(user_id, first, now_ms, by)


def revoke(connection: Connection, ref: str, user_id: str, *, by: str, now_ms: int) -> bool:
    """The user gets no more keys of the campaign, whatever a token says; False if that was so already.

    What opens under the keys that were handed out goes on opening: the campaign's epoch must be followed by another.
    """
    known = find(connection, ref, user_id)
    if known is not None and known.revoked_ms is not None:
        return False
    ending = {"revoked_ms": now_ms, "revoked_by": by}
    if known is None:  # a token may name the campaign later
        row = {"ref": ref, "user_id": user_id, "first_number": _in_force(connection, ref), "given_ms": now_ms}
        connection.execute(insert(grants).values(**row, given_by=by, **ending))
    else:
        connection.execute(update(grants).where(grants.c.ref == ref, grants.c.user_id == user_id).values(ending))
    return True


def entitled_from(asker: Asker, *, owner: str | None, known: Grant | None) -> int | None:
    """The number of the first epoch that the asker may have, whose grant is `known`; None: none.

    The campaign's owner may have all, always. Who was revoked may have none, whatever the token says.
    """
    if asker.user_id == owner:
        return FROM_START
    if known is not None and known.revoked_ms is not None:
        return None
    if asker.sees_all:
        return FROM_START
    return None if known is None else known.first_number


def entitle_named(connection: Connection, ref: str, user_id: str, *, now_ms: int) -> int | None:
    """The same for a user whose token names the campaign, from now on, if there is no grant yet."""
    known = find(connection, ref, user_id)
    if known is None:
        known = give(connection, ref, user_id, from_start=False, by=BY_TOKEN, now_ms=now_ms)
    return known.first_number if known.revoked_ms is None else None


def epochs_from(connection: Connection, ring: KeyRing, owner: str, first: int, *, limit: int) -> Sequence[Epoch]:
    """The epochs of `owner` from number `first` on, the newest `limit` of them, the oldest first."""
    kids = connection.execute(_KIDS, {"of": owner, "first": first, "most": limit}).scalars().all()
    found = (ring.find(connection, owner, kid) for kid in reversed(kids))
    return [epoch for epoch in found if epoch is not None]


def wrap(epoch: Epoch, public_key: bytes, *, network: str, owner: str) -> bytes:
    """An epoch of `owner` for the holder of an X25519 key. Raises ValueError for a point that shares no secret."""
    return wrap_to(X25519PublicKey.from_public_bytes(public_key), epoch.key, purpose=Purpose("grant", network, owner))


def _in_force(connection: Connection, ref: str) -> int:
    return connection.execute(_IN_FORCE, {"of": campaign_owner(ref)}).scalar_one() or FROM_START
