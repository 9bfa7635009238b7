"""`hcs-bridge topic`: makes a campaign's topic, and shows what is known of topics."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from rich.table import Table

from bridge.commands.addresses import http_url
from bridge.commands.door import Door, api_key_for
from bridge.commands.exits import UNREACHABLE, CommandFailed
from bridge.config import Config
from bridge.offline import TopicView, create_topic

CAMPAIGNS_PATH = "/v1/campaigns"
DAEMON_NAMES = {"id": "campaign", "ownerId": "owner", "topicId": "topic_id", "status": "status", "sequence": "sequence"}
CREATED = frozenset({200, 201, 202})


async def create(config: Config, campaign_id: str, owner_id: str) -> dict[str, Any]:
    """Have the running daemon make the topic, or make it here when none answers. Repeating it changes nothing."""
    try:
        return await _create_through_daemon(config, campaign_id, owner_id)
    except CommandFailed as failed:
        if failed.code != UNREACHABLE:
            raise
    return as_row(await create_topic(config, campaign_id, owner_id))


async def _create_through_daemon(config: Config, campaign_id: str, owner_id: str) -> dict[str, Any]:
    body = msgspec.json.encode({"id": campaign_id, "ownerId": owner_id})
    async with Door(http_url(config), api_key_for(config, "campaigns:write"), patience_s=0) as door:
        answer = await door.post(CAMPAIGNS_PATH, body)
    if answer.status not in CREATED:
        raise CommandFailed(f"the daemon refuses campaign {campaign_id} ({answer.reason()})")
    return {column: answer.body.get(name) for name, column in DAEMON_NAMES.items()}


def as_row(known: TopicView) -> dict[str, Any]:
    """A topic as plain names and values."""
    return dataclasses.asdict(known)


def table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Topics, one a line."""
    listed = list(rows)
    result = Table(box=None, pad_edge=False)
    for name in listed[0] if listed else ["campaign"]:
        result.add_column(name, no_wrap=True)
    for row in listed:
        result.add_row(*("" if value is None else str(value) for value in row.values()))
    return result
