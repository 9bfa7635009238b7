"""A new master key beside the old one, and, once the database is under it, in its place.

Killed in between, the daemon starts with the new one where it lies (bridge.keys.master), and the next run of the verb
puts it in place first.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from bridge import settings
from bridge.commands.exits import USAGE, CommandFailed
from bridge.commands.keys_made import write_key
from bridge.config import Config
from bridge.engines import kind_of
from bridge.keys.load import hex_key
from bridge.keys.ring import master_id
from bridge.relay.audit.looking import ReadOnly

Act = Literal["rewrap", "shred"]


def prepared(config: Config, given: Path | None, act: Act) -> Path:
    """Where the new master key lies, absolute: beside the old one, or, where that can't be written, as `given`.

    Raises CommandFailed (also where it holds a key that was in force), ConfigInvalid (of the file given).
    """
    key = None if given is None else hex_key(given, "--new-master-key")
    old = config.keys.master_key_file.absolute()
    if key is not None and (key == hex_key(old, "keys.master_key_file") or _kept(old, key).exists()):
        hint = "give another: under this one copies of the database from before would open on"
        raise CommandFailed(f"{given} holds a master key that is, or was, in force here", code=USAGE, hint=hint)
    if not _is_ours(old.parent):
        if given is None:
            hint = "make one where it can stay until the credential is replaced, and name it with --new-master-key"
            raise CommandFailed(f"no new master key can be put beside {old}", code=USAGE, hint=hint)
        return given.absolute()
    for left in [beside(old, "rewrap"), beside(old, "shred")]:
        if left.exists():
            if master_id(hex_key(left, "the new master key")) == _in_force(config):
                put_in_place(config, left)  # the last run was killed before it could
            else:
                left.unlink()
    path = beside(old, act)
    write_key(path, "" if key is None else key.hex())
    return path


def beside(old: Path, act: Act) -> Path:
    """Where the new master key lies until it is in force."""
    return old.with_name(f"{old.name}.by-{act}")


def put_in_place(config: Config, path: Path) -> dict[str, Any]:
    """The new master key where the configuration says, if it lies beside that; where it and the old one are now.

    What was shredded opens under the old one, so that is not kept then.
    """
    place = config.keys.master_key_file.absolute()
    keep_old = path == beside(place, "rewrap")
    if not keep_old and path != beside(place, "shred"):
        return {"masterKeyFile": str(path), "oldMasterKeyFile": str(place), "inPlace": False}
    kept = _kept(place, hex_key(place, "the old master key"))
    if keep_old and not kept.exists():
        os.link(place, kept)
    path.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return {"masterKeyFile": str(place), "oldMasterKeyFile": str(kept) if keep_old else None, "inPlace": True}


def placed_text(done: dict[str, Any]) -> str:
    """What a person reads of it."""
    if not done["inPlace"]:
        return (
            f"the master key is the one in {done['masterKeyFile']}: put it in the place of "
            f"{done['oldMasterKeyFile']} before you move it; the daemon starts with either until then"
        )
    old = done["oldMasterKeyFile"]
    kept = f"; the old one is kept in {old}, for copies of the database from before" if old else ""
    return f"the new master key is in {done['masterKeyFile']}{kept}"


def _kept(place: Path, key: bytes) -> Path:
    """Where a master key is kept when another has taken its place."""
    return place.with_name(f"{place.name}.old-{master_id(key)}")


def _is_ours(folder: Path) -> bool:
    """Whether files can be put there: systemd's credentials lie where nothing can."""
    return os.access(folder, os.W_OK)


def _in_force(config: Config) -> str | None:
    """By what the database knows its master key."""
    if not kind_of(config.database).exists(config.database):
        return None
    database = ReadOnly(config.database)
    try:
        return database.read(lambda c: settings.found(c, settings.MASTER))
    finally:
        database.close()
