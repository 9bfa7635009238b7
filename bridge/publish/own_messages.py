"""The bridge's own messages in the outbox: they wait among the events, and nobody is told of them."""

from __future__ import annotations

import os

from sqlalchemy import Connection, insert

from bridge.keys.at_rest import AtRest
from bridge.protocol.wire.control import Control, ControlBody
from bridge.protocol.wire.events import code_event, uuid7
from bridge.protocol.wire.sizes import element_size
from bridge.publish.bodies import seal_body
from bridge.publish.outbox import Entry, EntryState
from bridge.schema import entries


def put(
    connection: Connection, ref: str, message: tuple[str, ControlBody], at_rest: AtRest, *, api_key: str, now_ms: int
) -> bytes:
    """Put a message, its kind and what it says, behind all that was accepted for the campaign; its id."""
    kind, body = message
    control = Control(uuid7(now_ms, os.urandom(10)), now_ms, body)
    coded = code_event(control)
    row = {
        "event_id": control.id,
        "ref": ref,
        "channel": f"{kind}:{ref}",  # no channel that anybody could subscribe to
        "kind": kind,
        "body": seal_body(at_rest, control.id, coded),
        "size": element_size(coded),
        "api_key": api_key,
        "accepted_ms": now_ms,
        "state": EntryState.WAITING,
    }
    connection.execute(insert(entries).values(row))
    return control.id


def is_of_kind(entry: Entry, kind: str) -> bool:
    """Whether an entry is a message of that kind."""
    return entry.channel.startswith(f"{kind}:")
