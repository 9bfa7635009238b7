"""Keys made, saved and put back by `hcs-bridge keys`: init, recovery-init, backup, restore."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bridge.commands.exits import USAGE, CommandFailed
from bridge.config import Config
from bridge.errors import EnvelopeRejected
from bridge.keys.backup import SavedEpoch, open_backup, saved, seal_backup
from bridge.keys.backup import restore as put_back
from bridge.keys.people import new_pair
from bridge.keys.taking_over import recovery_key
from bridge.protocol.values import KEY_BYTES
from bridge.storage import Storage, opened
from bridge.supervise import supervised

KEPT_ONCE = "the private half of the recovery pair; keep it in a safe, it is shown once and kept nowhere:"


def init(config: Config) -> list[str]:
    """Make what is missing of master and signing key; the new files come back. Raises CommandFailed where all is there.

    A key file that is there may be the only one that opens the database: none is ever written over.
    """
    wanted = (config.keys.master_key_file, config.keys.signing_key_file)
    made = [str(path) for path in wanted if write_key(path)]
    if not made:
        hint = "`hcs-bridge keys rewrap` changes the master key"
        raise CommandFailed(f"{' and '.join(map(str, wanted))} are there already", code=USAGE, hint=hint)
    return made


def init_text(made: list[str]) -> str:
    """What a person reads."""
    return "\n".join([*(f"made {path}" for path in made), "keep copies of them apart from those of the database"])


def write_key(path: Path, content: str = "", *, mode: int = 0o600) -> bool:
    """A new key file, with 32 random bytes if not with `content`, on disk; False where there is one already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write((content or secrets.token_hex(KEY_BYTES)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return True


def recovery_init(config: Config) -> tuple[str, str]:
    """The private half of a new pair, as hex digits, and what to say of it; the public half is in its file."""
    path = config.keys.recovery_public_key_file
    if path is None:
        hint = "set keys.recovery_public_key_file to where it is to lie, and run this again"
        raise CommandFailed("the configuration says nowhere where the public half belongs", code=USAGE, hint=hint)
    private, public = new_pair()
    if not write_key(path, public.hex(), mode=0o644):
        hint = "topics hold keys for the pair it belongs to; move it away to begin with another"
        raise CommandFailed(f"{path} is there already", code=USAGE, hint=hint)
    return private.hex(), f"the public half is in {path}, and serves from the daemon's next start on\n{KEPT_ONCE}"


async def backup(config: Config, file: Path) -> int:
    """Save all users' keys for the recovery key; how many. Raises CommandFailed."""
    async with opened(config, alone=False) as storage:
        public = storage.keys.recovery
        if public is None:
            hint = "`hcs-bridge keys recovery-init` makes it"
            raise CommandFailed("there is no recovery key to save them for", code=USAGE, hint=hint)
        found = await storage.database.read(lambda c: saved(c, storage.ring))
    content = seal_backup(found, public, network=config.network.name)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandFailed(f"{file} can't be written: {error.strerror}", code=USAGE) from error
    with os.fdopen(descriptor, "wb") as opened_file:
        opened_file.write(content)
        opened_file.flush()
        os.fsync(opened_file.fileno())
    return len(found)


async def restore(config: Config, file: Path, private: Path) -> int:
    """Put back what isn't there; how many. Raises CommandFailed, ConfigInvalid, DatabaseHeld (the daemon runs)."""
    found = read_backup(config, file, private)
    async with opened(config, alone=True) as storage, supervised({"database": storage.database.run}):
        return await restored(storage, found)


async def restored(storage: Storage, found: list[SavedEpoch]) -> int:
    """The same, into an open storage whose writer goes."""
    return await storage.database.write(lambda c: put_back(c, storage.ring, found))


def read_backup(config: Config, file: Path, private: Path) -> list[SavedEpoch]:
    """What `backup` saved. Raises CommandFailed, ConfigInvalid."""
    key = recovery_key(private, key="--recovery-key")
    try:
        return open_backup(file.read_bytes(), key, network=config.network.name)
    except OSError as error:
        raise CommandFailed(f"{file} can't be read: {error.strerror}", code=USAGE) from error
    except EnvelopeRejected as rejected:
        raise CommandFailed(f"{file}: {rejected.reason}", code=USAGE) from rejected
