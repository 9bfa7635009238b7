"""`hcs-bridge topic resume`: lets the relay read on in a topic that it halted, once an operator has looked at why."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from bridge.commands.exits import CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, Yes, be_sure, loaded

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.offline import TopicView


def resume(
    target: Annotated[str, typer.Argument(metavar="CAMPAIGN|TOPIC", help="A campaign's id, or as in 0.0.7001.")],
    yes: Yes = False,
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
    reason = f"topic {halted.topic_id} is halted: {halted.halted}"
    be_sure(f"{reason}\nRead on behind sequence number {halted.sequence}?", yes=yes, hint=f"{reason}; --yes resumes it")
    asyncio.run(let_go_on(settings, halted.campaign))
    answer = {"campaign": halted.campaign, "topic_id": halted.topic_id, "resumed": True, "halted": halted.halted}
    text = f"topic {halted.topic_id} goes on behind sequence number {halted.sequence}; see `hcs-bridge topic show`"
    typer.echo(json.dumps(answer) if as_json else text)


async def let_go_on(config: Config, campaign_id: str) -> None:
    """Through the running daemon, or with the database alone where none answers; the next start reads on then."""
    from bridge.alone import desk_alone
    from bridge.commands.door import ask_daemon
    from bridge.commands.outbox_acts import BY, DONE

    answer = await ask_daemon(config, "campaigns:write", f"/v1/campaigns/{quote(campaign_id, safe='')}/resume", b"{}")
    if answer is None:
        async with desk_alone(config) as desk:
            await desk.resume(campaign_id, by=BY)
    elif answer.status != DONE:
        raise CommandFailed(f"the daemon refuses to resume ({answer.reason()})")


async def _view(config: Config, target: str) -> TopicView:
    from bridge import offline

    found = await offline.topic_named(config, target)
    if found is None:
        raise CommandFailed(f"no topic {target}", hint="see `hcs-bridge topic list`")
    return found
