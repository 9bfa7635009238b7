"""`hcs-bridge topic resume`: lets the relay read on in a topic that it halted, once an operator has looked at why."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from bridge.commands.exits import UNREACHABLE, USAGE, CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.offline import TopicView

BY = "command line"
DONE = 200


def resume(
    target: Annotated[str, typer.Argument(metavar="CAMPAIGN|TOPIC", help="A campaign's id, or as in 0.0.7001.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Let the relay read on in a halted topic, from where it was. Works with and without the daemon.

    What halted it is checked again: if the mirror still shows it, the topic halts again.
    """
    settings = loaded(config)
    halted = asyncio.run(_view(settings, target))
    if halted.halted is None:
        answer = {"campaign": halted.campaign, "topic_id": halted.topic_id, "resumed": False, "halted": None}
        typer.echo(json.dumps(answer) if as_json else f"topic {halted.topic_id} is not halted")
        return
    if not yes:
        if not sys.stdin.isatty():
            hint = f"it is halted: {halted.halted}; say --yes to resume it unasked"
            raise CommandFailed("nobody is there to be asked", code=USAGE, hint=hint)
        typer.echo(f"topic {halted.topic_id} is halted: {halted.halted}", err=True)
        typer.confirm(f"Read on behind sequence number {halted.sequence}?", abort=True, err=True)
    asyncio.run(let_go_on(settings, halted.campaign))
    answer = {"campaign": halted.campaign, "topic_id": halted.topic_id, "resumed": True, "halted": halted.halted}
    text = f"topic {halted.topic_id} goes on behind sequence number {halted.sequence}; see `hcs-bridge topic show`"
    typer.echo(json.dumps(answer) if as_json else text)


async def let_go_on(config: Config, campaign_id: str) -> None:
    """Through the running daemon, or with the database alone where none answers; the next start reads on then."""
    from bridge.alone import desk_alone
    from bridge.commands.addresses import http_url
    from bridge.commands.door import Door, api_key_for

    async with Door(http_url(config), api_key_for(config, "campaigns:write"), patience_s=0) as door:
        try:
            answer = await door.post(f"/v1/campaigns/{quote(campaign_id, safe='')}/resume", b"{}")
        except CommandFailed as failed:
            if failed.code != UNREACHABLE:
                raise
            async with desk_alone(config) as desk:
                await desk.resume(campaign_id, by=BY)
            return
    if answer.status != DONE:
        raise CommandFailed(f"the daemon refuses to resume ({answer.reason()})")


async def _view(config: Config, target: str) -> TopicView:
    from bridge import offline

    found = await offline.topic_named(config, target)
    if found is None:
        raise CommandFailed(f"no topic {target}", hint="see `hcs-bridge topic list`")
    return found
