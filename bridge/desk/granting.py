"""Hands out campaigns' keys to who may have them, and keeps who may; the daemon's door and the CLI use it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from bridge import settings
from bridge.errors import CampaignRefused, KeysRefused
from bridge.gateway.grants import Handed, WrappedEpoch
from bridge.keys import grants
from bridge.keys.grants import Asker, Grant
from bridge.keys.ring import campaign_owner, user_owner
from bridge.log import get_logger
from bridge.protocol.channels import ID_RULE, is_id
from bridge.publish import rotating
from bridge.schema import registry
from bridge.storage import Storage, now_ms
from topics.registry import Registration

log = get_logger(__name__)


class Granting:
    """Does what is asked about keys for people (port: bridge.gateway.grants.Granting).

    `wake` tells the submitter who has work. `handed` counts the answers with keys, and the keys in them.
    """

    def __init__(self, storage: Storage, *, wake: Callable[[Iterable[str]], None]) -> None:
        self._storage = storage
        self._wake = wake
        self.handed = Counter[str](answers=0, keys=0)

    async def keys(self, campaign_id: str, asker: Asker, public_key: bytes) -> Handed | None:
        """What the asker may have, wrapped to the key; None: nothing.

        Raises CampaignRefused (404), ValueError (the public key), Unavailable.
        """
        database = self._storage.database
        found = await database.read(lambda c: registry.find(c, campaign_id))
        known = await database.read(lambda c: grants.find(c, campaign_id, asker.user_id))
        first = grants.entitled_from(asker, owner=None if found is None else found.owner, known=known)
        if found is not None and first is None and known is None and asker.named:
            first = await database.write(lambda c: grants.entitle_named(c, campaign_id, asker.user_id, now_ms=now_ms()))
        if first is None:
            return None
        if found is None:
            raise _unknown(campaign_id)
        from_number = first
        handed = await database.read(lambda c: self._handed(c, found, asker.user_id, from_number, public_key))
        self.handed.update(answers=1, keys=len(handed.epochs))
        return handed

    async def grant(self, campaign_id: str, user_id: str, *, from_start: bool, by: str) -> Grant:
        """The user may have the keys from the epoch in force on, or all.

        Raises CampaignRefused (404), KeysRefused (422: what is no id), Unavailable.
        """
        _check_id(user_id)

        def write(connection: Connection) -> Grant:
            _registered(connection, campaign_id)
            return grants.give(connection, campaign_id, user_id, from_start=from_start, by=by, now_ms=now_ms())

        return await self._storage.database.write(write)

    async def revoke(self, campaign_id: str, user_id: str, *, by: str) -> bool:
        """The user gets no more, and the campaign another epoch, if anything will still be sealed; False: so already.

        Raises CampaignRefused (404; 409: the owner), KeysRefused (422: what is no id), Unavailable.
        """
        _check_id(user_id)
        at_rest = self._storage.at_rest

        def write(connection: Connection) -> bool:
            registered = _registered(connection, campaign_id)
            if registered.owner == user_id:
                hint = "the owner may always read the campaign; close it instead: `hcs-bridge topic close`"
                raise CampaignRefused(campaign_id, "can't be kept from its owner", status=409, hint=hint)
            is_new = grants.revoke(connection, campaign_id, user_id, by=by, now_ms=now_ms())
            if is_new and registered.takes_events:
                rotating.rotate(connection, campaign_id, at_rest, api_key=by, now_ms=now_ms())
            return is_new

        is_new = await self._storage.database.write(write)
        self._wake([campaign_id])
        return is_new

    async def grants(self, campaign_id: str) -> list[Grant]:
        """Oldest first, those that were revoked among them. Raises CampaignRefused (404)."""

        def read(connection: Connection) -> list[Grant]:
            _registered(connection, campaign_id)
            return grants.of(connection, campaign_id)

        return await self._storage.database.read(read)

    def _handed(
        self, connection: Connection, campaign: Registration, user_id: str, first: int, public_key: bytes
    ) -> Handed:
        storage = self._storage
        network, limit = storage.config.network.name, storage.config.keys.max_granted
        epochs = [
            WrappedEpoch(owner, epoch.kid, grants.wrap(epoch, public_key, network=network, owner=owner))
            for owner, number in ((campaign_owner(campaign.ref), first), (user_owner(user_id), grants.FROM_START))
            for epoch in grants.epochs_from(connection, storage.ring, owner, number, limit=limit)
        ]
        # by the store's own word, so that ids, which are few, can't be found again by trying them
        hashed = hashlib.sha256(f"{settings.generation(connection)} {user_id}".encode()).hexdigest()[:16]
        log.info("keys handed out", campaign=campaign.ref, kids=len(epochs), user=hashed)
        return Handed(network, None if campaign.topic_id is None else str(campaign.topic_id), epochs)


def _registered(connection: Connection, campaign_id: str) -> Registration:
    found = registry.find(connection, campaign_id)
    if found is None:
        raise _unknown(campaign_id)
    return found


def _check_id(user_id: str) -> None:
    if not is_id(user_id):
        raise KeysRefused(f"a user's id {ID_RULE}", status=422)


def _unknown(campaign_id: str) -> CampaignRefused:
    return CampaignRefused(campaign_id, "is not registered", status=404, hint="see `hcs-bridge topic list`")
