"""Retries and drops for `hcs-bridge outbox`: the running daemon does them, or this process where none answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from bridge.alone import desk_alone
from bridge.commands.door import ask_daemon
from bridge.commands.exits import CommandFailed
from bridge.config import Config

BY = "command line"
DONE = 200


async def retry(config: Config, event_ids: Sequence[str], *, campaign: str | None) -> int:
    """Let these parked events, or all of the campaign's, wait again; how many."""
    body = {"ids": list(event_ids)} if campaign is None else {"campaignId": campaign}
    answer = await _through_daemon(config, "retry", body)
    if answer is not None:
        return int(answer["retried"])
    async with desk_alone(config) as desk:
        if campaign is None:
            return await desk.retry(event_ids, by=BY)
        return await desk.retry_campaign(campaign, by=BY)


async def drop(config: Config, event_ids: Sequence[str], *, reason: str = "") -> int:
    """Give these parked or waiting events up; how many."""
    answer = await _through_daemon(config, "drop", {"ids": list(event_ids), "reason": reason})
    if answer is not None:
        return int(answer["dropped"])
    async with desk_alone(config) as desk:
        return await desk.drop(event_ids, by=BY, reason=reason)


async def _through_daemon(config: Config, act: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """What the door answers; None if no daemon answers."""
    answer = await ask_daemon(config, "outbox:write", f"/v1/outbox/{act}", msgspec.json.encode(body))
    if answer is None:
        return None
    if answer.status != DONE:
        raise CommandFailed(f"the daemon refuses to {act} ({answer.reason()})")
    found: dict[str, Any] = answer.body
    return found
