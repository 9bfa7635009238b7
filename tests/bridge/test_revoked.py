"""Revoked tokens: remembered over restarts, told to others, forgotten once they would have expired."""

from __future__ import annotations

from pathlib import Path

from bridge.gateway.tokens.claims import Claims
from bridge.gateway.tokens.revocations import Revocation
from bridge.revoked import kept_revocations, revoked
from bridge.storage import opened
from bridge.supervise import supervised
from tests.integration.world import world


async def test_revoked_tokens_are_remembered_until_they_have_expired(tmp_path: Path) -> None:
    claims = Claims("77", frozenset(), frozenset(), 10**13, "i", "t1", issued_ms=5_000)
    told: list[Revocation] = []
    async with (
        world(tmp_path) as made,
        opened(made.config, alone=True) as storage,
        supervised({"database": storage.database.run}),
    ):
        first = await kept_revocations(storage, told.append)
        await first.revoke("user", "88", now_ms=1_000)
        await first.revoke("jti", "t1", now_ms=2_000)
        assert (await kept_revocations(storage)).cover(claims)
        assert [row.name for row in told] == ["88", "t1"]
        assert first.learn(await revoked(storage)) == []
        lasts_ms = (storage.config.tokens.max_lifetime_s + storage.config.tokens.leeway_s) * 1000
        await first.revoke("user", "99", now_ms=2_001 + lasts_ms)
        assert not (await kept_revocations(storage)).cover(claims)
