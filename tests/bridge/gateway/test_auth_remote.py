"""Keys at a URL: exchanged while tokens are checked, and out of reach for a while."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bridge.errors import Unavailable
from bridge.gateway.auth import Authenticator
from bridge.gateway.settings import Issuer, TokenSettings
from bridge.gateway.tokens.claims import TokenRefused
from tests.bridge.gateway.tokens.signers import NOW_S, Signer, signer


@contextlib.asynccontextmanager
async def jwks(*signers: tuple[str, Signer]) -> AsyncIterator[tuple[str, dict[str, Signer]]]:
    """A key set served over HTTP, and what is in it, to be changed."""
    served = dict(signers)

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"keys": [made.jwk(kid=kid) for kid, made in served.items()]})

    application = web.Application()
    application.router.add_get("/jwks.json", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json", served
    await runner.cleanup()


async def test_keys_at_a_url_may_be_exchanged() -> None:
    old, new = signer("ES256"), signer("ES256")
    now_s = [0.0]
    async with jwks(("old", old)) as (url, served):
        issuer = Issuer("remote", "ES256", issuer="https://one", keys_url=url)
        remote = Authenticator(TokenSettings((issuer,), keys_retry_s=10), clock=lambda: now_s[0])
        now_ms = NOW_S * 1000
        assert (await remote.check(old.token(kid="old", iss="https://one"), now_ms=now_ms)).user == "77"
        served["new"] = new
        text = new.token(kid="new", iss="https://one")
        with pytest.raises(TokenRefused, match="key is not known"):  # asked a moment ago
            await remote.check(text, now_ms=now_ms)
        now_s[0] = 11
        assert (await remote.check(text, now_ms=now_ms)).user == "77"
    unknown = signer("ES256").token(kid="unknown", iss="https://one")
    now_s[0] = 22
    with pytest.raises(Unavailable, match="key set"):
        await remote.check(unknown, now_ms=now_ms)
    assert (await remote.check(text, now_ms=now_ms)).user == "77"
