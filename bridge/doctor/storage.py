"""The database as a place: can it be opened and written, is there room, which schema and network, do our keys fit."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from bridge import migrations, settings
from bridge.doctor import server
from bridge.doctor.findings import Finding, Status, failed, ok, text_of, warning
from bridge.doctor.ground import Ground, apart
from bridge.engines import kind_of, sqlite
from bridge.errors import BridgeError
from bridge.keys.load import load_keys, public_key_of
from bridge.keys.master import master_in_force
from bridge.keys.ring import STORE, KeyRing

DATABASE, ROOM, SCHEMA, NETWORK, MASTER, SIGNING = "database", "disk", "schema", "network", "master key", "signing key"
PROBE_BYTES = 65_536
MAKE_ROOM = "make room: when the disk is full the door answers 503 and nothing is submitted"
WAYS_OUT = {errno.ENOSPC: MAKE_ROOM, errno.EDQUOT: MAKE_ROOM, errno.EROFS: "mount it for writing"}
"""By what is in the way; else it is a right that lacks."""
MIB = 1024 * 1024


async def storage(ground: Ground) -> Sequence[Finding]:
    """The place, and, where there is a database already, what it is bound to. It is only read."""
    section, low_bytes = ground.config.database, ground.config.doctor.low_disk_bytes
    is_file = kind_of(section) is sqlite
    look = partial(place, sqlite.file_of(section), low_bytes=low_bytes) if is_file else partial(server.place, section)
    findings = await apart(look)
    try:
        revision = await ground.look_at_any(migrations.revision_of)
        bound = await ground.look(lambda connection: settings.found(connection, settings.NETWORK))
    except BridgeError as error:
        if findings[0].status is Status.FAILED:  # no right to it, which is why it doesn't open
            return findings
        hint = "is database.url the right file? If it is damaged, move it away, and `hcs-bridge restore` a backup"
        return [failed(DATABASE, f"{kind_of(section).place(section)}: {text_of(error)}", hint), *findings[1:]]
    if revision is None:
        return findings
    findings.append(schema(revision, migrations.revisions()))
    if bound is not None:
        findings.append(network(bound, ground.config.network.name))
        findings.append(await _master_key(ground))
        findings.append(await _signing_key(ground))
    return findings


def place(path: Path, *, low_bytes: int) -> list[Finding]:
    """Two lines: whether the database can be written, by a nameless file beside it, and how much room there is."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    hint = f"let the user that runs the bridge write {path} and its folder, or name another file in database.url"
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return [failed(DATABASE, f"{folder} can't be written: {error.strerror}", WAYS_OUT.get(error.errno or 0, hint))]
    text = f"{free // MIB} MiB are free at {folder}"
    room = ok(ROOM, text) if free >= low_bytes else warning(ROOM, text, MAKE_ROOM)
    if not path.exists():
        return [ok(DATABASE, f"{path} isn't there yet; the first start makes it"), room]
    locked = [str(each) for each in _files(path) if not os.access(each, os.R_OK | os.W_OK)]
    if locked:
        return [failed(DATABASE, f"no right to write {', '.join(locked)}", hint), room]
    return [ok(DATABASE, f"{path} can be read and written, {path.stat().st_size // MIB} MiB"), room]


def _files(path: Path) -> list[Path]:
    beside = [path.with_name(path.name + ending) for ending in ("-wal", "-shm", ".lock")]
    return [path, *(each for each in beside if each.exists())]


def schema(revision: str, known: Sequence[str]) -> Finding:
    """The database's revision among those that this version knows, newest first."""
    if revision == known[0]:
        return ok(SCHEMA, f"revision {revision}, the newest")
    if revision in known:
        text = f"revision {revision}, and this version wants {known[0]}; what stands in it wasn't looked at"
        return warning(SCHEMA, text, "the next start of `hcs-bridge serve` migrates it: make a backup before")
    text = f"revision {revision} is of a later version than this one"
    return failed(SCHEMA, text, "run the version that migrated it, or a later one")


def network(bound: str, configured: str) -> Finding:
    """Topic ids mean nothing on another network."""
    if bound == configured:
        return ok(NETWORK, f"the database is {bound}'s, as network.name says")
    text = f"the database belongs to {bound}, and network.name is {configured}"
    return failed(NETWORK, text, "give each network a database.url of its own")


async def _signing_key(ground: Ground) -> Finding:
    """What another one signs fails its topic's checks, for good."""
    hint = "put back the key that the database began with (keys.signing_key_file): readers take nothing of another"
    try:
        bound = await ground.look(lambda connection: settings.found(connection, settings.SIGNING))
        ours = public_key_of(ground.config.keys).hex()
    except BridgeError as error:
        return failed(SIGNING, text_of(error), hint)
    if bound in (None, ours):
        return ok(SIGNING, "signs as the database's topics began" if bound else "the database has signed nothing yet")
    return failed(SIGNING, f"the database's topics are signed by {bound}, and ours is {ours}", hint)


async def _master_key(ground: Ground) -> Finding:
    def opens(connection: Connection) -> bool:
        master = master_in_force(connection, load_keys(ground.config.keys).master)
        return KeyRing(master, max_cached=1).current(connection, STORE) is not None

    hint = "put back the master key that the database was written with (keys.master_key_file); without it nothing opens"
    try:
        found = await ground.look(opens)
    except BridgeError as error:
        return failed(MASTER, text_of(error), hint)
    return ok(MASTER, "opens what the database holds" if found else "the database holds nothing sealed yet")
