"""What operators do with the key ring: rotate, change the master key, shred. The daemon's door and the CLI use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection

from bridge.config import Config
from bridge.desk.resealing import reseal
from bridge.desk.shredding import Shredded, Shredding
from bridge.errors import ConfigInvalid, KeysRefused
from bridge.keys.load import hex_key
from bridge.keys.master import change_master
from bridge.keys.ring import STORE, user_owner
from bridge.leases import Leases
from bridge.log import get_logger
from bridge.offline import carrying
from bridge.protocol.channels import ACCOUNT
from bridge.publish import rotating
from bridge.rooms import Outbound
from bridge.storage import Storage, now_ms, opened

log = get_logger(__name__)

NOT_OURS_TO_READ = (
    "the daemon reads it, as its own user; where that can't be, stop it and run the command again: it works without"
)


class KeyDesk:
    """Port: bridge.gateway.key_admin.KeyDesk. `wake` tells the submitter who has work."""

    def __init__(self, storage: Storage, rooms: Outbound, *, wake: Callable[[Iterable[str]], None]) -> None:
        self._storage = storage
        self._rooms = rooms
        self._wake = wake
        self._changing = asyncio.Lock()

    async def rotate_campaign(self, campaign_id: str, *, by: str) -> bytes:
        """The campaign's next epoch is on its way; the id of the message that says so. Raises CampaignRefused."""
        at_rest, at_ms = self._storage.at_rest, now_ms()
        event_id = await self._storage.database.write(
            lambda c: rotating.rotate(c, campaign_id, at_rest, api_key=by, now_ms=at_ms)
        )
        self._wake([campaign_id])
        return event_id

    async def rotate_user(self, user_id: str, *, by: str) -> bytes:
        """The user's next epoch, in force from the next seal on; its kid. Raises KeysRefused (404: it has none)."""
        ring, owner, at_ms = self._storage.ring, user_owner(user_id), now_ms()

        def work(connection: Connection) -> bytes:
            if ring.current(connection, owner) is None:  # the first event for a user draws its key by itself
                raise KeysRefused(f"user {user_id} has no keys here", status=404, hint="see `hcs-bridge keys list`")
            return ring.renew(connection, owner, now_ms=at_ms, by=by).kid

        return await self._storage.database.write(work)

    async def rewrap(self, new_file: str, *, by: str) -> int:
        """All keys under the master key in this file from now on; how many. Raises KeysRefused (422)."""
        async with self._changing:
            path, master = _new_master(new_file)
            ring = self._storage.ring
            ring.hold(master)

            def work(connection: Connection) -> int:
                _refuse_others(self._storage.leases, connection)
                change_master(connection, path, master)
                return ring.rewrap(connection)

            count = await self._storage.database.write(work)
        log.warning("master key changed", by=by, keys=count)
        return count

    async def shred(self, kind: str, name: str, new_file: str, *, by: str) -> Shredded:
        """The keys of a `campaign` or a `user` are destroyed, and all others stand under the master key in this file.

        When this returns, the store key is another, too, and nothing in the database is left under the old one. Raises
        KeysRefused (404: no keys here, 422: the file, or no other key in it), CampaignRefused (404).
        """
        storage = self._storage
        async with self._changing:
            path, master = _new_master(new_file)
            await self._rooms.ingest.register(ACCOUNT, None)
            storage.ring.hold(master)
            shredding = Shredding(storage.at_rest, self._rooms.carrier.loader.load, by, now_ms())
            if master == await storage.database.read(storage.ring.in_force):  # what is shredded would open on
                raise KeysRefused("the new master key is the one in force: another is needed", status=422)
            act = {"campaign": shredding.campaign, "user": shredding.user}[kind]

            def work(connection: Connection) -> Shredded:
                _refuse_others(storage.leases, connection)
                shredded = act(connection, name)
                change_master(connection, path, master)
                storage.ring.renew(connection, STORE, now_ms=shredding.now_ms, by=by)
                storage.ring.rewrap(connection)
                return shredded

            shredded = await storage.database.write(work)
            storage.ring.forget_unwrapped()
            storage.at_rest.change(*await storage.database.read(lambda c: storage.ring.all_of(c, STORE)))
            self._wake([shredded.recorded_in])
            await reseal(storage.database, storage.at_rest, storage.ring)
        log.warning("keys shredded", by=by, kids=len(shredded.kids), recorded_in=shredded.recorded_in)
        return shredded


@asynccontextmanager
async def key_desk_alone(config: Config) -> AsyncIterator[KeyDesk]:
    """The desk over a database that this process takes: the next start sends what is on its way.

    Raises DatabaseHeld (a daemon runs), Unavailable.
    """
    async with opened(config, alone=True) as storage, carrying(storage) as rooms:
        yield KeyDesk(storage, rooms, wake=lambda _refs: None)


def _refuse_others(leases: Leases, connection: Connection) -> None:
    """Other daemons would go on with the keys that they have in memory, and seal what nobody can open."""
    if numbers := leases.others(connection):
        told = ", ".join(map(str, numbers))
        hint = "stop all daemons, and run the same command then: it works on the database itself"
        raise KeysRefused(f"other daemons have the same keys in memory (daemon.number {told})", status=409, hint=hint)


def _new_master(new_file: str) -> tuple[Path, bytes]:
    path = Path(new_file)
    try:
        return path, hex_key(path, "the new master key")
    except ConfigInvalid as invalid:
        rules = "; ".join(problem.rule for problem in invalid.problems)
        raise KeysRefused(f"the new master key, {path}, {rules}", status=422, hint=NOT_OURS_TO_READ) from invalid
