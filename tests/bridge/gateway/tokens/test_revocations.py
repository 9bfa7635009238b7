"""Revoked tokens: which count no more, for how long that is remembered, and that disk comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.errors import Unavailable
from bridge.gateway.settings import TokenSettings
from bridge.gateway.tokens.claims import Claims
from bridge.gateway.tokens.revocations import Revocation, Revocations

SETTINGS = TokenSettings((), max_lifetime_s=900, leeway_s=5, max_revocations=2)
MINE = Claims("77", frozenset(), frozenset(), 900_000, "i", "j1", issued_ms=10_000)


async def test_a_users_tokens_up_to_now() -> None:
    revocations = Revocations(SETTINGS)
    await revocations.revoke("user", "77", now_ms=10_500)
    assert revocations.cover(MINE)
    assert not revocations.cover(replace(MINE, user="78"))
    assert not revocations.cover(replace(MINE, issued_ms=11_000))  # the user has logged in again


async def test_one_token() -> None:
    revocations = Revocations(SETTINGS)
    await revocations.revoke("jti", "j1", now_ms=10_500)
    assert revocations.cover(MINE)
    assert not revocations.cover(replace(MINE, jti="j2"))
    assert not revocations.cover(replace(MINE, jti=None))


async def test_they_are_forgotten_when_all_have_expired_and_bounded_before() -> None:
    revocations = Revocations(SETTINGS)
    await revocations.revoke("user", "1", now_ms=0)
    await revocations.revoke("user", "2", now_ms=0)
    with pytest.raises(Unavailable, match=r"max_revocations"):
        await revocations.revoke("user", "77", now_ms=904_999)
    await revocations.revoke("user", "1", now_ms=1)  # again is no more
    await revocations.revoke("user", "77", now_ms=905_001)
    assert revocations.cover(MINE)


async def test_what_is_not_on_disk_does_not_count() -> None:
    kept: list[Revocation] = []

    async def keep(row: Revocation) -> None:
        if row.name == "lost":
            raise Unavailable("database", "it is away")
        kept.append(row)

    revocations = Revocations(SETTINGS, keep=keep)
    with pytest.raises(Unavailable):
        await revocations.revoke("user", "lost", now_ms=10_500)
    assert not revocations.cover(replace(MINE, user="lost"))
    await revocations.revoke("user", "77", now_ms=10_500)
    assert Revocations(SETTINGS, kept).cover(MINE)
