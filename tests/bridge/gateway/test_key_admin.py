"""Keys at the HTTP door: what operators may ask, with which scope, and in which words they are refused."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from bridge.errors import CampaignRefused, KeysRefused
from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.settings import ApiKey, HttpSettings
from tests.bridge.gateway.gateway_fixture import now_ms
from tests.bridge.gateway.memory_backend import MemoryBackend

EVENT_ID, KID = bytes(range(16)), bytes(range(8))


@dataclass(frozen=True)
class Gone:
    """As `bridge.shredding.Shredded`."""

    kids: tuple[bytes, ...] = (KID,)
    publications: int = 3
    dropped: int = 1
    recorded_in: str = "_account"


@dataclass
class MemoryKeyDesk:
    """Does what it is asked for campaign 1 and user 7."""

    done: list[tuple[object, ...]] = field(default_factory=list)

    async def rotate_campaign(self, campaign_id: str, *, by: str) -> bytes:
        if campaign_id != "1":
            raise CampaignRefused(campaign_id, "is not registered", status=404)
        self.done.append(("rotate", campaign_id, by))
        return EVENT_ID

    async def rotate_user(self, user_id: str, *, by: str) -> bytes:
        self.done.append(("rotate user", user_id, by))
        return KID

    async def rewrap(self, new_file: str, *, by: str) -> int:
        if new_file != "/new":
            raise KeysRefused("does not exist", status=422)
        self.done.append(("rewrap", new_file, by))
        return 4

    async def shred(self, kind: str, name: str, new_file: str, *, by: str) -> Gone:
        if name not in {"1", "7"}:
            raise KeysRefused(f"{kind} {name} has no keys here", status=404, hint="see `hcs-bridge keys list`")
        self.done.append(("shred", kind, name, new_file, by))
        return Gone()


class Api:
    """A running door, and clients with the key that may, and one that may nothing of this."""

    def __init__(self, desk: MemoryKeyDesk, url: str, keys: tuple[str, str]) -> None:
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


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Api]:
    desk, keys = MemoryKeyDesk(), (secrets.token_hex(32), secrets.token_hex(32))
    api_keys = (
        ApiKey("ops", keys[0], frozenset({"keys:write"})),
        ApiKey("backend", keys[1], frozenset({"events:write", "campaigns:write", "outbox:write"})),
    )
    settings = HttpSettings(port=0, api_keys=api_keys)
    server = ApiServer(settings, MemoryBackend(), now_ms=now_ms, parts=Parts(keys=desk))
    await server.start()
    task = asyncio.create_task(server.run())
    yield Api(desk, f"http://127.0.0.1:{server.port}", keys)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_what_an_operator_may_ask() -> None:
    async with running() as api:
        answer = await api.post("/v1/campaigns/1/rotate", {})
        assert answer == (202, {"id": "00010203-0405-0607-0809-0a0b0c0d0e0f"})
        assert await api.post("/v1/users/7/rotate", {}) == (200, {"kid": KID.hex()})
        assert await api.post("/v1/keys/rewrap", {"newMasterKeyFile": "/new"}) == (200, {"rewrapped": 4})
        gone = {"kids": [KID.hex()], "publications": 3, "dropped": 1, "recordedIn": "_account"}
        for of in ("campaignId", "userId"):
            assert await api.post("/v1/keys/shred", {of: "1", "newMasterKeyFile": "/new"}) == (200, gone)
        assert api.desk.done == [
            ("rotate", "1", "ops"),
            ("rotate user", "7", "ops"),
            ("rewrap", "/new", "ops"),
            ("shred", "campaign", "1", "/new", "ops"),
            ("shred", "user", "1", "/new", "ops"),
        ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/campaigns/1/rotate", {"now": True}),
        ("/v1/users/7/rotate", []),
        ("/v1/keys/rewrap", {}),
        ("/v1/keys/rewrap", {"newMasterKeyFile": "relative"}),
        ("/v1/keys/rewrap", {"newMasterKeyFile": "/absent"}),
        ("/v1/keys/shred", {"campaignId": "1"}),
        ("/v1/keys/shred", {"campaignId": "1", "userId": "7", "newMasterKeyFile": "/new"}),
        ("/v1/keys/shred", {"userId": 7, "newMasterKeyFile": "/new"}),
        ("/v1/keys/shred", {"userId": "7", "newMasterKeyFile": "new"}),
    ],
)
async def test_anything_else_changes_nothing(path: str, body: Any) -> None:
    async with running() as api:
        status, answer = await api.post(path, body)
        assert status == 422
        assert answer["error"]["message"]
        assert api.desk.done == []


async def test_what_is_not_there_says_what_to_do() -> None:
    async with running() as api:
        status, answer = await api.post("/v1/keys/shred", {"userId": "9", "newMasterKeyFile": "/new"})
        assert (status, answer["error"]["code"]) == (404, "keys_refused")
        assert answer["error"]["message"] == "user 9 has no keys here; see `hcs-bridge keys list`"
        assert (await api.post("/v1/campaigns/9/rotate", {}))[0] == 404


@pytest.mark.parametrize("path", ["/v1/campaigns/1/rotate", "/v1/users/7/rotate", "/v1/keys/rewrap", "/v1/keys/shred"])
async def test_another_scope_does_not_do(path: str) -> None:
    async with running() as api:
        status, answer = await api.post(path, {}, entitled=False)
        assert (status, answer["error"]["message"]) == (403, "this API key lacks the scope keys:write")
