"""`hcs-bridge topic`: makes and closes a campaign's topic, and shows what is known of topics."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from rich.table import Table

from bridge import offline
from bridge.alone import close_topic
from bridge.commands.addresses import http_url, trust
from bridge.commands.door import Door, api_key_for
from bridge.commands.exits import UNREACHABLE, CommandFailed
from bridge.commands.outbox_view import waits_of
from bridge.commands.tables import print_whole
from bridge.config import Config
from bridge.offline import TopicView, create_topic
from bridge.publish.directory import Listing
from bridge.publish.pool import Place

CAMPAIGNS_PATH = "/v1/campaigns"
DAEMON_NAMES = {
    "id": "campaign",
    "ownerId": "owner",
    "topicId": "topic_id",
    "status": "status",
    "sequence": "sequence",
    "relay": "relay",
}
Relay = Literal["plain", "sealed"]
MADE_WITHIN_S = 60.0
POLL_S = 0.25
TAKEN = frozenset({200, 201, 202})


async def create(config: Config, campaign_id: str, owner_id: str, relay: Relay | None = None) -> dict[str, Any]:
    """Have the running daemon make the topic, or make it here when none answers. Repeating it changes nothing.

    `relay` None: as configured for new campaigns.
    """
    mode = {} if relay is None else {"relay": relay}
    made = await _through_daemon(
        config,
        campaign_id,
        (CAMPAIGNS_PATH, {"id": campaign_id, "ownerId": owner_id} | mode),
        is_done=lambda campaign: campaign.get("topicId") is not None,
        otherwise="has no topic yet",
    )
    sealed = None if relay is None else relay == "sealed"
    return made or as_row(await create_topic(config, campaign_id, owner_id, sealed=sealed))


async def close(config: Config, campaign_id: str) -> dict[str, Any]:
    """Have the running daemon close the campaign, or close it here when none answers. Repeating it changes nothing."""
    closed = await _through_daemon(
        config,
        campaign_id,
        (f"{CAMPAIGNS_PATH}/{quote(campaign_id, safe='')}/close", {}),
        is_done=lambda campaign: campaign.get("status") == "closed",
        otherwise="is still closing",
    )
    return closed or as_row(await close_topic(config, campaign_id))


async def _through_daemon(
    config: Config,
    campaign_id: str,
    post: tuple[str, Mapping[str, str]],
    *,
    is_done: Callable[[Mapping[str, Any]], bool],
    otherwise: str,
) -> dict[str, Any] | None:
    """Post to the door, and wait until the campaign is as it should be. None if no daemon answers."""
    path, body = post
    key, known = api_key_for(config, "campaigns:write"), trust(config.http.tls_certificate_file)
    async with Door(http_url(config), key, patience_s=0, trust=known) as door:
        try:
            answer = await door.post(path, msgspec.json.encode(body))
        except CommandFailed as failed:
            if failed.code == UNREACHABLE:
                return None
            raise
        deadline = time.monotonic() + MADE_WITHIN_S
        while answer.status in TAKEN and not is_done(answer.body):
            if time.monotonic() > deadline:
                why = (await waits_of(config)).campaigns.get(campaign_id)
                text = f"campaign {campaign_id} {otherwise}{f': {why}' if why else ''}"
                raise CommandFailed(text, code=UNREACHABLE, hint="it is kept, and goes on; see `hcs-bridge topic show`")
            await asyncio.sleep(POLL_S)
            answer = await door.get(f"{CAMPAIGNS_PATH}/{campaign_id}")
    if answer.status not in TAKEN:
        raise CommandFailed(f"the daemon refuses campaign {campaign_id} ({answer.reason()})")
    return {column: answer.body.get(name) for name, column in DAEMON_NAMES.items()}


async def listed(config: Config, *, pool: bool, directory: bool) -> list[dict[str, Any]]:
    """Every campaign's topic, or those that were made ahead of time, or what the directory lists."""
    if directory:
        return [as_row(listing) for listing in await offline.directory(config)]
    if pool:
        return [as_row(place) for place in await offline.pool(config)]
    return [as_row(known) for known in await offline.topics(config)]


def as_row(known: TopicView | Place | Listing) -> dict[str, Any]:
    """A topic, a campaign's or one of the pool, or its listing, as plain names and values."""
    return dataclasses.asdict(known)


def show(rows: Sequence[Mapping[str, Any]], as_json: bool, *, one: bool) -> None:
    """Print topics: for people as a table, for scripts as JSON, of a single one without the list around it."""
    if as_json:
        sys.stdout.write(json.dumps(rows[0] if one else rows) + "\n")
    else:
        print_whole(table(rows))


def table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Topics, one a line."""
    listed = list(rows)
    result = Table(box=None, pad_edge=False)
    for name in listed[0] if listed else ["topic"]:
        result.add_column(name, no_wrap=True)
    for row in listed:
        result.add_row(*("" if value is None else str(value) for value in row.values()))
    return result
