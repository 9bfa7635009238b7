"""Operators at the HTTP door: what they may ask, with which scope, and in which words they are refused."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest

from bridge.errors import CampaignRefused, EntryRefused
from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.backend import CampaignView
from bridge.gateway.settings import ApiKey, HttpSettings
from bridge.protocol.values import JSON
from tests.bridge.gateway.gateway_fixture import now_ms
from tests.bridge.gateway.memory_backend import MemoryBackend


class MemoryDesk:
    """Does what it is asked for the event ids a and b and for the backend's campaigns."""

    def __init__(self, backend: MemoryBackend) -> None:
        self.done: list[tuple[object, ...]] = []
        self._backend = backend

    async def retry(self, ids: Sequence[str], *, by: str) -> int:
        return self._did("retry", ids, by)

    async def retry_campaign(self, campaign_id: str, *, by: str) -> int:
        self._campaign(campaign_id)
        self.done.append(("retry", campaign_id, by))
        return 7

    def waits(self) -> dict[str, JSON]:
        return {"nodes": None, "stopped": 1, "campaigns": {"1": "a budget"}}

    async def drop(self, ids: Sequence[str], *, by: str, reason: str = "") -> int:
        return self._did("drop", ids, by, reason)

    async def close(self, campaign_id: str, *, by: str) -> None:
        known = self._campaign(campaign_id)
        closed = known.status in {"closing", "closed"}
        self._backend.campaigns[campaign_id] = CampaignView(
            campaign_id, known.owner_id, "closed" if closed else "closing"
        )

    async def resume(self, campaign_id: str, *, by: str) -> str | None:
        self._campaign(campaign_id)
        self.done.append(("resume", campaign_id, by))
        return "a mirror lied" if len(self.done) == 1 else None

    def _did(self, what: str, ids: Sequence[str], *rest: str) -> int:
        for id_ in ids:
            if id_ not in {"a", "b"}:
                raise EntryRefused(id_, "is flying", status=409, hint="wait for its outcome")
        self.done.append((what, tuple(ids), *rest))
        return len(ids)

    def _campaign(self, campaign_id: str) -> CampaignView:
        found = self._backend.campaigns.get(campaign_id)
        if found is None:
            raise CampaignRefused(campaign_id, "is not registered", status=404)
        return found


class Api:
    """A running door with campaign 1, and clients with the key that may, and one that may nothing of this."""

    def __init__(self, desk: MemoryDesk, url: str, keys: tuple[str, str]) -> None:
        self.desk = desk
        self._url = url
        self._keys = keys

    async def post(self, path: str, body: Any, *, entitled: bool = True) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._keys[0 if entitled else 1]}"}
        async with (
            aiohttp.ClientSession(self._url, headers=headers) as session,
            session.post(path, json=body) as response,
        ):
            return response.status, await response.json()

    async def get(self, path: str, *, of: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._keys[('ops', 'backend').index(of)]}"}
        async with aiohttp.ClientSession(self._url, headers=headers) as session, session.get(path) as response:
            return response.status, await response.json()


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Api]:
    backend = MemoryBackend()
    backend.campaigns["1"] = CampaignView("1", "77", "ready")
    desk, keys = MemoryDesk(backend), (secrets.token_hex(32), secrets.token_hex(32))
    api_keys = (
        ApiKey("ops", keys[0], frozenset({"outbox:write", "campaigns:write"})),
        ApiKey("backend", keys[1], frozenset({"events:write", "events:read", "campaigns:read"})),
    )
    server = ApiServer(HttpSettings(port=0, api_keys=api_keys), backend, now_ms=now_ms, parts=Parts(desk=desk))
    await server.start()
    task = asyncio.create_task(server.run())
    yield Api(desk, f"http://127.0.0.1:{server.port}", keys)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_events_are_retried_and_dropped_by_id() -> None:
    async with running() as api:
        assert await api.post("/v1/outbox/retry", {"ids": ["a", "b"]}) == (200, {"retried": 2})
        assert await api.post("/v1/outbox/retry", {"campaignId": "1"}) == (200, {"retried": 7})
        assert await api.post("/v1/outbox/drop", {"ids": ["a"]}) == (200, {"dropped": 1})
        assert await api.post("/v1/outbox/drop", {"ids": ["b"], "reason": "why"}) == (200, {"dropped": 1})
        assert api.desk.done == [
            ("retry", ("a", "b"), "ops"),
            ("retry", "1", "ops"),
            ("drop", ("a",), "ops", ""),
            ("drop", ("b",), "ops", "why"),
        ]


async def test_what_cannot_be_says_what_to_do() -> None:
    async with running() as api:
        for act in ("retry", "drop"):
            status, body = await api.post(f"/v1/outbox/{act}", {"ids": ["c"]})
            assert (status, body["error"]["code"]) == (409, "entry_refused")
            assert body["error"]["message"] == "event c is flying; wait for its outcome"
        status, body = await api.post("/v1/outbox/retry", {"campaignId": "9"})
        assert (status, body["error"]["code"]) == (404, "campaign_refused")
        assert api.desk.done == []


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("retry", {}),
        ("retry", []),
        ("retry", {"ids": []}),
        ("retry", {"ids": [1]}),
        ("retry", {"ids": "a"}),
        ("retry", {"ids": ["a"], "campaignId": "1"}),
        ("retry", {"campaignId": 1}),
        ("drop", {"campaignId": "1"}),
        ("drop", {"ids": ["a"], "reason": 1}),
        ("drop", {"ids": ["a"], "why": "x"}),
    ],
    ids=str,
)
async def test_other_shapes_are_refused_with_the_right_one(act: str, body: Any) -> None:
    async with running() as api:
        status, answer = await api.post(f"/v1/outbox/{act}", body)
        assert (status, answer["error"]["code"]) == (422, "refused")
        assert f'a {act} is {{"ids"' in answer["error"]["message"]
        assert api.desk.done == []


async def test_a_reason_that_is_too_long_is_measured() -> None:
    async with running() as api:
        status, answer = await api.post("/v1/outbox/drop", {"ids": ["a"], "reason": "x" * 201})
        assert (status, answer["error"]["code"]) == (422, "refused")
        assert answer["error"]["message"] == "the reason has 201 characters, and at most 200 are told"
        assert (await api.post("/v1/outbox/drop", {"ids": ["a"], "reason": "x" * 200}))[0] == 200


async def test_why_nothing_leaves_is_told_to_who_may_read_campaigns() -> None:
    async with running() as api:
        told = {"nodes": None, "stopped": 1, "campaigns": {"1": "a budget"}}
        assert await api.get("/v1/outbox", of="backend") == (200, told)
        assert (await api.get("/v1/outbox", of="ops"))[0] == 403


async def test_a_campaign_is_closed_however_often_it_is_asked() -> None:
    async with running() as api:
        status, body = await api.post("/v1/campaigns/1/close", {})
        assert (status, body["status"]) == (202, "closing")
        status, body = await api.post("/v1/campaigns/1/close", {})
        assert (status, body["status"]) == (200, "closed")
        assert (await api.post("/v1/campaigns/2/close", {}))[0] == 404


@pytest.mark.parametrize("act", ["close", "resume"])
@pytest.mark.parametrize("body", [[], {"ids": ["a"]}, "1"])
async def test_what_is_for_good_is_not_done_for_a_body_that_means_something_else(act: str, body: object) -> None:
    async with running() as api:
        status, answer = await api.post(f"/v1/campaigns/1/{act}", body)
        assert (status, answer["error"]["message"]) == (422, "the body is {}")
        assert api.desk.done == []


async def test_a_halted_campaign_is_resumed_and_tells_why_it_was_halted() -> None:
    async with running() as api:
        told = {"resumed": True, "halted": "a mirror lied"}
        assert await api.post("/v1/campaigns/1/resume", {}) == (200, told)
        assert await api.post("/v1/campaigns/1/resume", {}) == (200, {"resumed": False, "halted": None})
        assert (await api.post("/v1/campaigns/2/resume", {}))[0] == 404
        assert api.desk.done == [("resume", "1", "ops")] * 2


async def test_each_wants_its_scope() -> None:
    async with running() as api:
        for path, scope in (
            ("/v1/outbox/retry", "outbox:write"),
            ("/v1/outbox/drop", "outbox:write"),
            ("/v1/campaigns/1/close", "campaigns:write"),
            ("/v1/campaigns/1/resume", "campaigns:write"),
        ):
            status, body = await api.post(path, {"ids": ["a"]}, entitled=False)
            assert (status, body["error"]["message"]) == (403, f"this API key lacks the scope {scope}")
        assert api.desk.done == []
