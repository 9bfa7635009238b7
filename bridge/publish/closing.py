"""The end of a campaign: its final message waits in the outbox behind everything that was accepted before it.

Functions over the caller's transaction.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from bridge.errors import CampaignRefused
from bridge.keys.at_rest import AtRest
from bridge.protocol.channels import is_id
from bridge.protocol.wire.control import Close
from bridge.publish import own_messages
from bridge.publish.outbox import EntryState
from bridge.schema import entries, registry
from topics.registry import TopicState

KIND = "close"


def intend(connection: Connection, ref: str, at_rest: AtRest, *, api_key: str, now_ms: int) -> None:
    """Take no more events for the campaign, and put its final message behind those that it has. Repeating is fine.

    A final message that was parked together with its frame waits again. Raises CampaignRefused (404).
    """
    known = registry.find(connection, ref) if is_id(ref) else None
    if known is None:
        raise CampaignRefused(ref, "is not registered", status=404, hint="see `hcs-bridge topic list`")
    if not known.takes_events:
        _send_again(connection, ref)
        return
    registry.close(connection, ref, now_ms=now_ms)
    own_messages.put(connection, ref, (KIND, Close()), at_rest, api_key=api_key, now_ms=now_ms)


def has_left(connection: Connection, ref: str) -> bool:
    """Whether the final message is on its way to the ledger, or there: nothing may follow it."""
    known = registry.find(connection, ref)
    if known is None or known.takes_events:
        return False
    waits = (EntryState.WAITING, EntryState.PARKED)
    return known.state is TopicState.CLOSED or _state(connection, ref) not in waits


def landed(connection: Connection, ref: str) -> None:
    """Mark the campaign closed if consensus has taken its final message, for who runs no relay that would see it."""
    known = registry.find(connection, ref)
    if known is not None and known.topic_id is not None and _state(connection, ref) is EntryState.SUBMITTED:
        registry.closed(connection, known.topic_id)


def _state(connection: Connection, ref: str) -> EntryState | None:
    found = select(entries.c.state).where(entries.c.ref == ref, entries.c.kind == KIND)
    state = connection.execute(found).scalar_one_or_none()
    return None if state is None else EntryState(state)


def _send_again(connection: Connection, ref: str) -> None:
    connection.execute(
        update(entries)
        .where(entries.c.ref == ref, entries.c.kind == KIND, entries.c.state == EntryState.PARKED)
        .values(state=EntryState.WAITING, reason=None, flight_id=None, index=None)
    )
