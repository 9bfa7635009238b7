"""HashBuzz's `authKeyStore` in a real Redis: rotated under us, out of reach, and its private halves never told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from redis import Redis

from bridge.errors import Unavailable
from bridge.gateway.auth import Authenticator
from bridge.gateway.settings import Issuer, TokenSettings
from bridge.gateway.tokens.claims import TokenRefused
from tests.bridge.gateway.tokens.signers import NOW_S, Signer, signer
from tests.servers import redis_server

PASSWORD = "open sesame"
HASHBUZZ = {"iss": "hashbuzz.social", "aud": "hashbuzz-frontend"}


def row(kid: str, made: Signer, created_s: int) -> dict[str, Any]:
    """A key as the backend writes it: both halves in PKCS#1."""
    private = made.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = made.private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    assert b"BEGIN RSA PRIVATE KEY" in private
    assert b"BEGIN RSA PUBLIC KEY" in public
    halves = {"privateKey": private.decode(), "publicKey": public.decode()}
    return {"kid": kid, **halves, "createdAt": created_s * 1000}


async def test_keys_are_rotated_and_fetched_when_their_first_token_comes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    old, new = signer("RS256"), signer("RS256", number=1)
    monday, tuesday = row("monday", old, NOW_S - 90_000), row("tuesday", new, NOW_S)
    now_s = [0.0]
    with redis_server(tmp_path, "--requirepass", PASSWORD) as url:
        store = Redis.from_url(url, password=PASSWORD)
        issuer = Issuer(
            "hashbuzz", "RS256", issuer=HASHBUZZ["iss"], audience=HASHBUZZ["aud"],
            keys_url=f"{url}?key=authKeyStore", password=PASSWORD,
        )  # fmt: skip
        settings = TokenSettings((issuer,), keys_retry_s=10, keys_refresh_s=600, keys_stale_s=86_400)
        gate = Authenticator(settings, clock=lambda: now_s[0])

        async def user(kid: str, by: Signer) -> str:
            found = (await gate.check(by.token(kid=kid, **HASHBUZZ), now_ms=NOW_S * 1000)).user
            await asyncio.gather(*(each for each in asyncio.all_tasks() if each.get_name() == "keys of hashbuzz"))
            return found

        with pytest.raises(Unavailable, match="isn't there"):  # the backend has never run
            await user("monday", old)
        store.set("authKeyStore", json.dumps([monday]))
        now_s[0] = 11
        assert await user("monday", old) == "77"

        store.set("authKeyStore", json.dumps([tuesday, monday]))
        now_s[0] = 22
        assert await user("tuesday", new) == "77"
        assert await user("monday", old) == "77"
        with pytest.raises(TokenRefused):  # another's key under this name
            await user("tuesday", old)

        store.set("authKeyStore", json.dumps([tuesday])[:-40])  # cut short, with a private key in it
        now_s[0] = 700
        assert await user("tuesday", new) == "77"
        store.set("authKeyStore", json.dumps([tuesday]))  # the other is two days old, and gone
        now_s[0] = 1400
        assert await user("tuesday", new) == "77"
        with pytest.raises(TokenRefused, match="key is not known"):
            await user("monday", old)
        store.close()
    now_s[0] = 2100
    assert await user("tuesday", new) == "77"  # Redis is away: what is at hand serves
    told = caplog.text + "".join(capfd.readouterr())
    assert "keys not renewed" in told
    for each in (monday, tuesday):
        for line in each["privateKey"].splitlines()[1:-1]:
            assert line not in told
    assert PASSWORD not in told
