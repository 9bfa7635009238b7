"""What must be known about the whole store, by name: its generation, its network, its master key."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bridge import shards
from bridge.errors import DatabaseHeld
from bridge.schema import settings
from bridge.statements import upsert

GENERATION = "generation"
NETWORK = "network"
IDS_BEGIN = "ids_begin_ns"
"""Of a store that was made anew from the ledger: transactions that it has no record of began before this."""
MASTER = "master_key_id"
"""Which master key all others are wrapped under; not there until it is changed for the first time."""
MASTER_FILE = "master_key_file"
"""Where that one was read from: it serves until it stands where the configuration says."""
SIGNING = "signing_public_key"
"""What its frames and manifests are signed with, in hex: readers pin it, and take nothing of another."""
BACKED_UP = "backed_up_ns"
"""When a copy was made: it must be fitted to the ledger before a bridge runs on it."""
MOVING = "moving"
"""Which store, by its generation, is being moved here; not there once all of it is."""
MOVED = "moved"
"""That all of it went to another database: this one must not go on."""
SLACK_NS = 600 * 1_000_000_000
"""How far the ledger's clock may lie behind ours without the first messages being missed."""


def found(connection: Connection, name: str) -> str | None:
    """A setting's value, or None."""
    return connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar_one_or_none()


def keep(connection: Connection, name: str, value: str) -> None:
    """Set it."""
    upsert(connection, settings, [{"name": name, "value": value}])


def generation(connection: Connection) -> str:
    """The epoch of channels that several topics feed: a store that was rebuilt has another."""
    return found(connection, GENERATION) or ""


def claim(connection: Connection, *, network: str, generation: str, now_ns: int) -> None:
    """Bind a new store to its network, give it its generation, and let reading begin now; refuse another network's.

    Topic ids mean nothing on another network. Raises DatabaseHeld.
    """
    bound = found(connection, NETWORK)
    if bound is None:
        keep(connection, NETWORK, network)
        keep(connection, GENERATION, generation)
        shards.begin(connection, cursor_ns=now_ns - SLACK_NS)
    elif bound != network:
        raise DatabaseHeld(
            f"the database belongs to the network {bound!r}, and network.name is {network!r}",
            hint="give each network a database.url of its own",
        )


def bind_signer(connection: Connection, public_key: str) -> None:
    """Bind a store to the key that it signs with first. Raises DatabaseHeld for another one."""
    bound = found(connection, SIGNING)
    if bound is None:
        keep(connection, SIGNING, public_key)
    elif bound != public_key:
        raise DatabaseHeld(
            f"the database's topics are signed by the key {bound}, and keys.signing_key_file holds {public_key}",
            hint="put that key back: what another one signs fails its topic's checks, for good",
        )


def refuse_copy(connection: Connection) -> None:
    """Raises DatabaseHeld for a copy: what it forgot is on the ledger, and would be sent again."""
    if found(connection, MOVED) is not None:
        raise DatabaseHeld(
            "the database was moved to another one, which has gone on since",
            hint="set database.url to where `hcs-bridge db migrate-to` moved it",
        )
    if found(connection, MOVING) is not None:
        raise DatabaseHeld(
            "not all of the old database has been moved here",
            hint="run `hcs-bridge db migrate-to` again with the old database.url: it goes on where it stopped",
        )
    if found(connection, BACKED_UP) is not None:
        raise DatabaseHeld(
            "the database is a backup, and the ledger has gone on since",
            hint="put it somewhere else, and run `hcs-bridge restore FILE`, which reads what came since",
        )
