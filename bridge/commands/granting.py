"""`hcs-bridge keys grant`, `revoke` and `grants`: who else than its owner may have a campaign's keys."""

# ruff: noqa: PLC0415 # as in the other verbs: what one needs is imported when it runs
from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from bridge.commands.exits import CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, Yes, be_sure, loaded

if TYPE_CHECKING:
    from bridge.config import Config

Campaign = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's id.")]
User = Annotated[str, typer.Argument(metavar="USER", help="The user's id, as tokens name it.")]


def grant(
    campaign: Campaign,
    user: User,
    from_start: Annotated[bool, typer.Option("--from-start", help="All keys, also those before.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Let a user have a campaign's keys, from the one in force on. Works with and without the daemon."""
    granted = asyncio.run(give(loaded(config), campaign, user, from_start=from_start))
    text = f"user {user} may have campaign {campaign}'s keys from epoch {granted['fromEpoch']} on"
    typer.echo(json.dumps(granted) if as_json else text)


def revoke(
    campaign: Campaign,
    user: User,
    yes: Yes = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Let a user have no more of a campaign's keys, and give the campaign another. Works with and without the daemon.

    What opens under the keys that the user has goes on opening; what is sealed behind the rotation doesn't.
    """
    settings = loaded(config)
    be_sure(f"Keep user {user} from what comes on campaign {campaign}?", yes=yes, hint="say --yes to revoke unasked")
    revoked = asyncio.run(take_away(settings, campaign, user))
    text = "gets no more keys; what is still to be sealed gets another" if revoked else "was revoked before"
    typer.echo(json.dumps({"revoked": revoked}) if as_json else f"user {user} {text}")


def grants(campaign: Campaign, as_json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show who else than the owner, and than roles that see all, may have a campaign's keys."""
    from bridge.commands.tables import print_whole
    from bridge.commands.topic import table

    found = asyncio.run(listed(loaded(config), campaign))
    if as_json:
        typer.echo(json.dumps(found))
    else:
        print_whole(table(found))


async def give(config: Config, campaign_id: str, user_id: str, *, from_start: bool) -> dict[str, Any]:
    """Through the running daemon, or with the database alone where none answers."""
    from bridge.alone import granting_alone
    from bridge.commands.outbox_acts import BY
    from bridge.gateway.grants import view

    answer = await _ask(config, campaign_id, "grants", {"user": user_id, "fromStart": from_start})
    if answer is not None:
        return answer
    async with granting_alone(config) as granting:
        return view(await granting.grant(campaign_id, user_id, from_start=from_start, by=BY))


async def take_away(config: Config, campaign_id: str, user_id: str) -> bool:
    """The same; False where it was so already. Without a daemon the next start announces the new key."""
    from bridge.alone import granting_alone
    from bridge.commands.outbox_acts import BY

    answer = await _ask(config, campaign_id, "revoke", {"user": user_id})
    if answer is not None:
        return bool(answer["revoked"])
    async with granting_alone(config) as granting:
        return await granting.revoke(campaign_id, user_id, by=BY)


async def listed(config: Config, campaign_id: str) -> list[dict[str, Any]]:
    """Out of the database, also beside the daemon."""
    from bridge.desk.granting import Granting
    from bridge.gateway.grants import view
    from bridge.storage import opened

    async with opened(config, alone=False) as storage:
        return [view(each) for each in await Granting(storage, wake=lambda _refs: None).grants(campaign_id)]


async def _ask(config: Config, campaign_id: str, act: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """What the daemon's door answers; None if no daemon does."""
    import msgspec

    from bridge.commands.door import ask_daemon

    path = f"/v1/campaigns/{quote(campaign_id, safe='')}/{act}"
    answer = await ask_daemon(config, "keys:write", path, msgspec.json.encode(body))
    if answer is None:
        return None
    if answer.status not in {200, 201}:
        raise CommandFailed(f"the daemon refuses ({answer.reason()})")
    found: dict[str, Any] = answer.body
    return found
