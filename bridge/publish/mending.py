"""An operator's hand in the outbox: parked entries get another try, parked and waiting ones are given up.

Functions over the caller's transaction. All of the entries named or none: a refusal changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select, update

from bridge.errors import CampaignRefused, EntryRefused
from bridge.publish import closing
from bridge.publish.outbox import MAX_REASON_CHARS, Entry, EntryState
from bridge.schema import entries, registry, topics
from bridge.statements import sliced

GIVEN_UP = "given up by an operator"
_UNDER_WAY = "it may be on the ledger already; wait for its outcome: `hcs-bridge outbox show`"


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose hand it is, an API key's name or the command line, and when."""

    name: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Handled:
    """An entry that was changed: its campaign, and the state that it was in before."""

    entry: Entry
    ref: str
    state: EntryState


def retry(connection: Connection, event_ids: Sequence[bytes], hand: Hand) -> list[Handled]:
    """These parked entries wait again, each in its place by acceptance among what still waits.

    Raises EntryRefused for one that is unknown or isn't parked, CampaignRefused where the final message has left.
    """
    rows = _named(connection, event_ids)
    for row in rows:
        if row["state"] != EntryState.PARKED:
            raise _refused(row, f"is {row['state']}, and only a parked one is tried again")
        if not row["body"]:
            raise _refused(row, "was shredded", hint="`hcs-bridge outbox drop` gives it up")
    return _wait_again(connection, rows, hand)


def retry_campaign(connection: Connection, ref: str, hand: Hand, *, limit: int) -> list[Handled]:
    """The same for the oldest parked entries of a campaign, at most `limit`; none is fine."""
    if registry.find(connection, ref) is None:
        raise CampaignRefused(ref, "is not registered", status=404)
    parked = select(entries).where(entries.c.ref == ref, entries.c.state == EntryState.PARKED, entries.c.body != b"")
    rows = connection.execute(parked.order_by(entries.c.id).limit(limit)).mappings().all()
    return _wait_again(connection, rows, hand)


def drop(connection: Connection, event_ids: Sequence[bytes], hand: Hand, *, reason: str = "") -> list[Handled]:
    """These parked or waiting entries will never be sent; `reason` is told to their audience.

    Raises EntryRefused for any other.
    """
    rows = _named(connection, event_ids)
    for row in rows:
        _check_droppable(row)
    for row in rows:
        why = reason or row["reason"]
        said = f"{GIVEN_UP}: {why}" if why else GIVEN_UP
        connection.execute(
            update(entries)
            .where(entries.c.id == row["id"])
            .values(
                state=EntryState.DROPPED,
                reason=said[:MAX_REASON_CHARS],
                handled_by=hand.name,
                handled_ms=hand.at_ms,
            )
        )
    return [_handled(row) for row in rows]


def _named(connection: Connection, event_ids: Sequence[bytes]) -> Sequence[RowMapping]:
    """In the order of acceptance, each once."""
    found = select(entries).where(entries.c.event_id.in_(set(event_ids))).order_by(entries.c.id)
    rows = connection.execute(found).mappings().all()
    known = {row["event_id"] for row in rows}
    for event_id in event_ids:
        if event_id not in known:
            raise EntryRefused(str(uuid.UUID(bytes=event_id)), "is not known", status=404)
    return rows


def _wait_again(connection: Connection, rows: Sequence[RowMapping], hand: Hand) -> list[Handled]:
    for ref in {row["ref"] for row in rows}:
        if closing.has_left(connection, ref):
            hint = "nothing may follow its final message; `hcs-bridge outbox drop` gives them up"
            known = registry.find(connection, ref)
            raise CampaignRefused(ref, f"is {known.status if known else 'closed'}", status=409, hint=hint)
    # Out of the refused flight: an entry in a flight is confirmed by that flight's bytes alone.
    anew = {"state": EntryState.WAITING, "reason": None, "flight_id": None, "index": None}
    connection.execute(
        update(entries)
        .where(entries.c.id.in_([row["id"] for row in rows]))
        .values(**anew, handled_by=hand.name, handled_ms=hand.at_ms)
    )
    return [_handled(row) for row in rows]


def _check_droppable(row: RowMapping) -> None:
    if row["kind"] == closing.KIND:
        raise _refused(row, "is its campaign's final message, which is not taken back")
    match row["state"]:
        case EntryState.WAITING | EntryState.PARKED:
            return
        case EntryState.FLYING | EntryState.SUBMITTED:
            raise _refused(row, f"is {row['state']}", hint=_UNDER_WAY)
    raise _refused(row, f"is {row['state']}, and only a parked or waiting one is given up")


def _refused(row: RowMapping, reason: str, *, hint: str = "") -> EntryRefused:
    return EntryRefused(str(uuid.UUID(bytes=row["event_id"])), reason, status=409, hint=hint)


def _handled(row: RowMapping) -> Handled:
    entry = Entry(row["id"], row["event_id"], row["channel"], row["body"], row["size"])
    return Handled(entry, row["ref"], EntryState(row["state"]))


def of_sealed(connection: Connection, named: Sequence[Entry]) -> set[int]:
    """The ids of those entries whose campaigns are sealed."""
    found = select(entries.c.id).join_from(entries, topics, entries.c.ref == topics.c.ref).where(topics.c.sealed)
    some = (connection.execute(found.where(entries.c.id.in_(ids))) for ids in sliced(entry.id for entry in named))
    return {entry_id for rows in some for entry_id in rows.scalars()}
