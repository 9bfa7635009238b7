"""What operators ask of the HTTP door: parked and waiting events handled, campaigns closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from bridge.gateway.backend import Backend
from bridge.gateway.door import Door
from bridge.gateway.faults import Fault
from bridge.protocol.values import JSON

MAX_REASON_CHARS = 200
RETRY_SHAPE = 'a retry is {"ids": ["…"]} or {"campaignId": "…"}'
NOTHING_SHAPE = "the body is {}"
DROP_SHAPE = f'a drop is {{"ids": ["…"], "reason": "…"}}; the reason is optional, {MAX_REASON_CHARS} characters at most'


def too_long(reason: str) -> str | None:
    """What to say of a reason for a drop that is longer than its audience can be told; None if it isn't."""
    if len(reason) <= MAX_REASON_CHARS:
        return None
    return f"the reason has {len(reason)} characters, and at most {MAX_REASON_CHARS} are told"


class Desk(Protocol):
    """Behind the door. `by` is the API key's name. Raises EntryRefused, CampaignRefused, ChangeRefused."""

    async def retry(self, ids: Sequence[str], /, *, by: str) -> int:
        """These parked events wait again, all or none; how many."""

    async def retry_campaign(self, campaign_id: str, /, *, by: str) -> int:
        """Every parked event of the campaign waits again; how many. What is under way is tried now."""

    def waits(self) -> dict[str, JSON]:
        """Why nothing leaves: `nodes`, if none answers, and `campaigns`, each with its reason, `stopped` in all."""

    async def drop(self, ids: Sequence[str], /, *, by: str, reason: str = "") -> int:
        """These parked or waiting events are given up, all or none; how many."""

    async def close(self, campaign_id: str, /, *, by: str) -> None:
        """The campaign takes no more events, and its final message is on its way. Repeating it changes nothing."""

    async def resume(self, campaign_id: str, /, *, by: str) -> str | None:
        """The relay reads on in the campaign's halted topic; why it was halted, None if it isn't."""


@dataclass(frozen=True, slots=True)
class AdminRoutes:
    """The routes, with what they share with the door's others: who may, how a body is read, how an answer is made."""

    door: Door
    desk: Desk
    backend: Backend
    document: Callable[[web.Request], Awaitable[JSON]]
    answer: Callable[..., web.Response]

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Put them among the door's."""
        router.add_get("/v1/outbox", self._waits)
        router.add_post("/v1/outbox/retry", self._retry)
        router.add_post("/v1/outbox/drop", self._drop)
        router.add_post("/v1/campaigns/{id}/close", self._close)
        router.add_post("/v1/campaigns/{id}/resume", self._resume)

    async def _waits(self, request: web.Request) -> web.Response:
        self._admit(request, "campaigns:read")
        return self.answer(self.desk.waits())

    async def _retry(self, request: web.Request) -> web.Response:
        by = self._admit(request, "outbox:write")
        match await self.document(request):
            case {"ids": [*ids], **rest} if not rest:
                return self.answer({"retried": await self.desk.retry(_texts(ids, RETRY_SHAPE), by=by)})
            case {"campaignId": str(campaign_id), **rest} if not rest:
                return self.answer({"retried": await self.desk.retry_campaign(campaign_id, by=by)})
        raise Fault(422, "refused", RETRY_SHAPE)

    async def _drop(self, request: web.Request) -> web.Response:
        by = self._admit(request, "outbox:write")
        match await self.document(request):
            case {"ids": [*ids], **rest} if rest.keys() <= {"reason"}:
                reason = rest.get("reason", "")
                if isinstance(reason, str):
                    if (told := too_long(reason)) is not None:
                        raise Fault(422, "refused", told)
                    dropped = await self.desk.drop(_texts(ids, DROP_SHAPE), by=by, reason=reason)
                    return self.answer({"dropped": dropped})
        raise Fault(422, "refused", DROP_SHAPE)

    async def _close(self, request: web.Request) -> web.Response:
        by = self._admit(request, "campaigns:write")
        await self._expect_nothing(request)
        campaign_id = request.match_info["id"]
        await self.desk.close(campaign_id, by=by)
        view = await self.backend.campaign(campaign_id)
        if view is None:
            raise RuntimeError("a campaign that was told to close is not there")
        return self.answer(view.as_json(), status=200 if view.status == "closed" else 202)

    async def _resume(self, request: web.Request) -> web.Response:
        by = self._admit(request, "campaigns:write")
        await self._expect_nothing(request)
        reason = await self.desk.resume(request.match_info["id"], by=by)
        return self.answer({"resumed": reason is not None, "halted": reason})

    async def _expect_nothing(self, request: web.Request) -> None:
        if await self.document(request) != {}:
            raise Fault(422, "refused", NOTHING_SHAPE)

    def _admit(self, request: web.Request, scope: str) -> str:
        return self.door.admit(request.headers.getall("Authorization", []), scope).name


def _texts(ids: Sequence[JSON], shape: str) -> list[str]:
    texts = [found for found in ids if isinstance(found, str)]
    if not texts or len(texts) != len(ids):
        raise Fault(422, "refused", shape)
    return texts
