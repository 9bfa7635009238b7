"""`hcs-bridge outbox`: what its verbs take; what they do is in outbox_view and outbox_acts."""

# ruff: noqa: PLC0415 # as in the other verbs: what one needs is imported when it runs
from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from typing import Annotated

import typer

from bridge.commands.exits import EXIT_CODES, USAGE, CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, Yes, be_sure, loaded

outbox_app = typer.Typer(
    help="Look at accepted events on their way, and handle those that are stuck.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)
SHOWN_AT_ONCE = 50

EventIds = Annotated[list[str], typer.Argument(metavar="EVENT_ID...", help="Ids, as accepted events were given.")]
Campaign = Annotated[str | None, typer.Option("--campaign", metavar="ID", help="Of this campaign alone.")]


class State(StrEnum):
    """Which entries to show (bridge.publish.outbox, imported only when needed)."""

    WAITING = "waiting"
    FLYING = "flying"
    SUBMITTED = "submitted"
    PARKED = "parked"
    DROPPED = "dropped"


@outbox_app.command("list", epilog=EXIT_CODES)
def list_(
    campaign: Campaign = None,
    state: Annotated[State | None, typer.Option(help="In this state alone; default: all that isn't finished.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many entries at most, the oldest first.")] = SHOWN_AT_ONCE,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show what waits, flies and is parked: counts by campaign, what stands in its way, and the oldest entries."""
    from bridge.commands import outbox_view
    from bridge.commands.tables import print_whole

    view = asyncio.run(outbox_view.listing(loaded(config), campaign=campaign, state=state, limit=limit))
    if as_json:
        typer.echo(json.dumps(view))
    else:
        for table in outbox_view.tables(view):
            print_whole(table)


@outbox_app.command("show", epilog=EXIT_CODES)
def show(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="An id, as the accepted event was given.")],
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show all about one event but what it says: state, flight, transactions, times, cost."""
    from bridge.commands import outbox_view
    from bridge.commands.tables import print_whole

    found = asyncio.run(outbox_view.story(loaded(config), event_id))
    if found is None:
        raise CommandFailed(f"no event {event_id} in the outbox", hint="see `hcs-bridge outbox list`")
    if as_json:
        typer.echo(json.dumps(found))
    else:
        for table in outbox_view.story_tables(found):
            print_whole(table)


@outbox_app.command("retry", epilog=EXIT_CODES)
def retry(
    event_ids: Annotated[list[str] | None, typer.Argument(metavar="[EVENT_ID]...", help="Parked events.")] = None,
    campaign: Campaign = None,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Let parked events wait again, each in its place among what still waits. Works with and without the daemon.

    With --campaign what the campaign has under way is tried at once, too, such as a flight that is partly on the ledger
    and was refused half-way: it is never dropped.
    """
    from bridge.commands import outbox_acts

    if bool(event_ids) == (campaign is not None):
        raise CommandFailed("name either events or a --campaign", code=USAGE)
    count = asyncio.run(outbox_acts.retry(loaded(config), event_ids or [], campaign=campaign))
    under_way = "" if campaign is None else ", and what is under way is tried at once"
    typer.echo(json.dumps({"retried": count}) if as_json else f"{count} wait again{under_way}")


@outbox_app.command("drop", epilog=EXIT_CODES)
def drop(
    event_ids: EventIds,
    reason: Annotated[str, typer.Option(help="Why; their audience reads it.")] = "",
    yes: Yes = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Give up parked or waiting events for good. Works with and without the daemon."""
    from bridge.commands import outbox_acts
    from bridge.gateway.admin import too_long

    if (told := too_long(reason)) is not None:
        raise CommandFailed(told, code=USAGE, hint="shorten --reason; nothing was given up")
    settings = loaded(config)
    be_sure(f"Give up {len(event_ids)} event(s) for good?", yes=yes, hint="say --yes to give them up unasked")
    count = asyncio.run(outbox_acts.drop(settings, event_ids, reason=reason))
    typer.echo(json.dumps({"dropped": count}) if as_json else f"{count} given up")
