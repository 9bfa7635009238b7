"""Which master key a database is under, also while the file that the configuration names is not replaced yet."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection

from bridge import settings
from bridge.errors import ConfigInvalid, SealBroken
from bridge.keys.load import hex_key
from bridge.keys.ring import master_id


def master_in_force(connection: Connection, configured: bytes) -> bytes:
    """The configured master key; or, if the database was rewrapped and that file not replaced, the one of the new file.

    Raises SealBroken where neither is the one. A database that was never rewrapped says nothing: its seals tell.
    """
    named = settings.found(connection, settings.MASTER)
    if named in (None, master_id(configured)):
        return configured
    path = settings.found(connection, settings.MASTER_FILE)
    with suppress(ConfigInvalid):
        if path is not None and master_id(new := hex_key(Path(path), "the new master key")) == named:
            return new
    raise SealBroken(f"the key ring, last rewrapped with the master key of {path},")


def change_master(connection: Connection, path: Path, master: bytes) -> None:
    """The master key in `path` is in force with this transaction; the caller's ring rewraps what there is."""
    settings.keep(connection, settings.MASTER, master_id(master))
    settings.keep(connection, settings.MASTER_FILE, str(path))
