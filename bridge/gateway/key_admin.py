"""What operators ask of the HTTP door about keys: rotate, another master key, shred."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol

from aiohttp import web

from bridge.gateway.door import Door
from bridge.gateway.faults import Fault
from bridge.protocol.values import JSON

SCOPE = "keys:write"
NOTHING_SHAPE = "the body is {}"
REWRAP_SHAPE = 'a rewrap is {"newMasterKeyFile": "/…"}: a path on the daemon\'s machine'
SHRED_SHAPE = 'a shred is {"campaignId" or "userId": "…", "newMasterKeyFile": "/…"}: a path on the daemon\'s machine'


class Shredded(Protocol):
    """What was destroyed."""

    @property
    def kids(self) -> Sequence[bytes]: ...

    @property
    def publications(self) -> int: ...

    @property
    def dropped(self) -> int: ...

    @property
    def recorded_in(self) -> str: ...


class KeyDesk(Protocol):
    """Behind the door. `by` is the API key's name. Raises KeysRefused, CampaignRefused."""

    async def rotate_campaign(self, campaign_id: str, /, *, by: str) -> bytes:
        """The campaign's next epoch is on its way; the id of the message that says so."""

    async def rotate_user(self, user_id: str, /, *, by: str) -> bytes:
        """The user's next epoch, in force at once; its kid."""

    async def rewrap(self, new_file: str, /, *, by: str) -> int:
        """All keys are under the master key in this file; how many."""

    async def shred(self, kind: str, name: str, new_file: str, /, *, by: str) -> Shredded:
        """The keys of a `campaign` or a `user` are gone, and the others under the master key in this file."""


def shredded_json(shredded: Shredded) -> dict[str, JSON]:
    """What was destroyed, as the door and the command line say it."""
    return {
        "kids": [kid.hex() for kid in shredded.kids],
        "publications": shredded.publications,
        "dropped": shredded.dropped,
        "recordedIn": shredded.recorded_in,
    }


@dataclass(frozen=True, slots=True)
class KeyRoutes:
    """The routes, with what they share with the door's others: who may, how a body is read, how an answer is made."""

    door: Door
    desk: KeyDesk
    document: Callable[[web.Request], Awaitable[JSON]]
    answer: Callable[..., web.Response]

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Put them among the door's."""
        router.add_post("/v1/campaigns/{id}/rotate", self._rotate_campaign)
        router.add_post("/v1/users/{id}/rotate", self._rotate_user)
        router.add_post("/v1/keys/rewrap", self._rewrap)
        router.add_post("/v1/keys/shred", self._shred)

    async def _rotate_campaign(self, request: web.Request) -> web.Response:
        by = self._admit(request)
        await self._expect_nothing(request)
        event_id = await self.desk.rotate_campaign(request.match_info["id"], by=by)
        return self.answer({"id": str(uuid.UUID(bytes=event_id))}, status=202)

    async def _rotate_user(self, request: web.Request) -> web.Response:
        by = self._admit(request)
        await self._expect_nothing(request)
        return self.answer({"kid": (await self.desk.rotate_user(request.match_info["id"], by=by)).hex()})

    async def _rewrap(self, request: web.Request) -> web.Response:
        by = self._admit(request)
        match await self.document(request):
            case {"newMasterKeyFile": str(path), **rest} if not rest and PurePath(path).is_absolute():
                return self.answer({"rewrapped": await self.desk.rewrap(path, by=by)})
        raise Fault(422, "refused", REWRAP_SHAPE)

    async def _shred(self, request: web.Request) -> web.Response:
        by = self._admit(request)
        match await self.document(request):
            case {"campaignId": str(name), "newMasterKeyFile": str(path), **rest} if not rest:
                kind = "campaign"
            case {"userId": str(name), "newMasterKeyFile": str(path), **rest} if not rest:
                kind = "user"
            case _:
                raise Fault(422, "refused", SHRED_SHAPE)
        if not PurePath(path).is_absolute():
            raise Fault(422, "refused", SHRED_SHAPE)
        return self.answer(shredded_json(await self.desk.shred(kind, name, path, by=by)))

    async def _expect_nothing(self, request: web.Request) -> None:
        if await self.document(request) != {}:
            raise Fault(422, "refused", NOTHING_SHAPE)

    def _admit(self, request: web.Request) -> str:
        return self.door.admit(request.headers.getall("Authorization", []), SCOPE).name
