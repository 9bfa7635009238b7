"""The verbs of `hcs-bridge`: what they take. What they do is in `bridge.commands`, imported only when needed."""

# ruff: noqa: PLC0415 # verbs import what they need, so that --help and version are quick
# ruff: noqa: PLR0913, PLR0917 # an option of a verb is a parameter of its function
from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from bridge.commands.backup import backup
from bridge.commands.db import db_app
from bridge.commands.devnet import ConsensusMs, MirrorMs, devnet
from bridge.commands.doctor import doctor
from bridge.commands.exits import EXIT_CODES, OK, REFUSED, USAGE, CommandFailed, end, until_stopped
from bridge.commands.export import export
from bridge.commands.keys import keys_app
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, Yes, be_sure
from bridge.commands.options import loaded as _load
from bridge.commands.outbox import outbox_app
from bridge.commands.preset import preset_app
from bridge.commands.rebuild import rebuild
from bridge.commands.restore import restore
from bridge.commands.resume import resume
from bridge.commands.serve import serve
from bridge.commands.shipped import default_config, systemd_unit
from bridge.commands.status import status
from bridge.commands.verify import verify

app = typer.Typer(
    help="Gives every campaign a topic on the Hedera Consensus Service, writes its changes there, sealed, and brings "
    "the checked, consensus-ordered stream back to browsers.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
topics_app = typer.Typer(help="Make, close and look at topics of campaigns.", epilog=EXIT_CODES, no_args_is_help=True)
for group, name in ((topics_app, "topic"), (outbox_app, "outbox"), (keys_app, "keys"), (db_app, "db")):
    app.add_typer(group, name=name)
app.add_typer(preset_app, name="preset")


def main(arguments: list[str] | None = None) -> None:
    """Run a command line (default: the process's own). Always ends with SystemExit."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what it writes to stderr comes as an error of ours, too
    try:
        app(arguments)
    except Exception as error:  # noqa: BLE001 # the root: what has no code of its own goes on as a crash
        end(error)


for verb in (serve, devnet, doctor, status, verify, export, rebuild, backup, restore, systemd_unit, default_config):
    app.command(epilog=EXIT_CODES)(verb)
topics_app.command(epilog=EXIT_CODES)(resume)


@app.command(epilog=EXIT_CODES)
def demo(
    consensus_ms: ConsensusMs = 2900,
    mirror_ms: MirrorMs = 2100,
    campaigns: Annotated[int, typer.Option(min=1, max=12, help="How many campaigns the sample day has.")] = 10,
    rate: Annotated[float, typer.Option(min=0, help="Events a second; 0 stands for 3, or for 50 with --once.")] = 0,
    once: Annotated[bool, typer.Option("--once", help="No page; end when every event has come back.")] = False,
    as_json: AsJson = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", envvar="HCS_BRIDGE_CONFIG", help=f"Default: {DEFAULT_CONFIG}, if it is there."),
    ] = None,
) -> None:
    """Watch a sample day of campaigns go over a devnet and the bridge, to this terminal and a live page.

    With --once --json the last line is one JSON object with what was counted and measured.
    """
    from bridge.commands.demo import Options, run_demo

    options = Options(
        consensus_ms=consensus_ms, mirror_ms=mirror_ms, campaigns=campaigns, rate=rate, once=once, as_json=as_json
    )
    until_stopped(run_demo(options, config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)))


@topics_app.command("create", epilog=EXIT_CODES)
def topic_create(
    campaign: Annotated[str, typer.Argument(metavar="ID", help="The campaign's id.")],
    owner: Annotated[str, typer.Option("--owner", help="The user who may see it.")],
    relay: Annotated[
        Literal["plain", "sealed"] | None,
        typer.Option(help="Whether its frames are opened here, or handed on as they are; else as relay.mode says."),
    ] = None,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Make a campaign's topic, once: a second time shows the one that is there. Works with and without the daemon."""
    from bridge.commands import topic

    topic.show([asyncio.run(topic.create(_load(config), campaign, owner, relay))], as_json, one=True)


@topics_app.command("close", epilog=EXIT_CODES)
def topic_close(
    campaign: Annotated[str, typer.Argument(metavar="ID", help="The campaign's id.")],
    yes: Yes = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """End a campaign for good: it takes no more events, and says so in its topic, behind all that it has.

    Its events stay readable. Works with and without the daemon; a second time shows how far it is.
    """
    from bridge.commands import topic

    be_sure(f"End campaign {campaign} for good?", yes=yes, hint="say --yes to end it unasked")
    topic.show([asyncio.run(topic.close(_load(config), campaign))], as_json, one=True)


@topics_app.command("list", epilog=EXIT_CODES)
def topic_list(
    pool: Annotated[bool, typer.Option("--pool", help="The topics made ahead of time, which no campaign has.")] = False,
    directory: Annotated[bool, typer.Option("--directory", help="The directory, and which topics it lists.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show every campaign with its topic, its status and its last sequence number."""
    from bridge.commands import topic

    topic.show(asyncio.run(topic.listed(_load(config), pool=pool, directory=directory)), as_json, one=False)


@topics_app.command("show", epilog=EXIT_CODES)
def topic_show(
    campaign: Annotated[str, typer.Argument(metavar="ID", help="The campaign's id.")],
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show one campaign's topic."""
    from bridge import offline
    from bridge.commands import topic

    known = asyncio.run(offline.topic(_load(config), campaign))
    if known is None:
        raise CommandFailed(f"no topic for campaign {campaign}", hint="see `hcs-bridge topic list`")
    topic.show([topic.as_row(known)], as_json, one=True)


@app.command(epilog=EXIT_CODES)
def costs(
    by: Annotated[Literal["campaign", "day", "key"], typer.Option(help="One line a campaign, UTC day or API key.")] = (
        "campaign"
    ),
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show what the ledger charged, in HBAR and in USD by the exchange rate of the day it was booked."""
    from bridge.commands import costs as room
    from bridge.publish.budgets import Scope

    if as_csv and as_json:
        raise CommandFailed("--csv or --json, not both", code=USAGE)
    scope = Scope(by)
    rows = asyncio.run(room.spent(_load(config), scope))
    room.show(rows, scope, as_csv=as_csv, as_json=as_json)


@app.command(epilog=EXIT_CODES)
def publish(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, or - for standard input.")],
    again: Annotated[
        str, typer.Option(metavar="LABEL", help="Name this run: the same FILE goes anew, input can be resumed.")
    ] = "",
    url: Annotated[str | None, typer.Option(help="The daemon's HTTP door, if not the configuration's.")] = None,
    patience_s: Annotated[float, typer.Option(min=0, help="Seconds to wait for a daemon that is away or busy.")] = 60,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Hand a file of changes to the daemon, in order: one {"event", "payload", "campaignId", "to", "at"} a line.

    Interrupted, it resumes when run again on the same file within http.idempotency_keep_h: nothing is doubled, while
    the file is unchanged. Standard input is always new, and resumes only under the label of its run.
    Lines that are refused are told with the reason and left out.
    """
    from bridge.commands.publishing import Outcome, publish_file

    outcome: Outcome = asyncio.run(
        publish_file(_load(config), file, label=again, url=url, patience_s=patience_s, quiet=as_json)
    )
    typer.echo(outcome.as_json() if as_json else outcome.as_text())
    raise typer.Exit(REFUSED if outcome.summary.refused else OK)


@app.command(epilog=EXIT_CODES)
def tail(
    channel: Annotated[str, typer.Argument(help="campaign:<id> or user:<id>.")],
    token: Annotated[str | None, typer.Option(envvar="HCS_BRIDGE_TOKEN", help="A JWT; default: a minted one.")] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Past the gateway: from the mirror, with local keys.")
    ] = False,
    since: Annotated[int | None, typer.Option(min=0, help="Start behind this offset, as told on subscribing.")] = None,
    epoch: Annotated[str | None, typer.Option(help="The channel's epoch, with --since.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many publications.")] = None,
    url: Annotated[str | None, typer.Option(help="The gateway's WebSocket, if not the configuration's.")] = None,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Print a channel's publications as they come, one a line. Ctrl-C ends it."""
    from bridge.commands.tailing import Request, run_tail

    if (since is None) != (epoch is None):
        raise CommandFailed("--since and --epoch go together", code=USAGE)
    request = Request(channel, token=token, mirror=mirror, since=since, epoch=epoch, count=count, url=url, json=as_json)
    until_stopped(run_tail(_load(config), request))


@app.command(epilog=EXIT_CODES)
def token(
    user: Annotated[str, typer.Option(help="The user's id.")],
    campaign: Annotated[list[str] | None, typer.Option(help="A campaign that it opens; may be repeated.")] = None,
    role: Annotated[str | None, typer.Option(help="The user's role.")] = None,
    ttl: Annotated[int, typer.Option(min=1, help="Seconds until it expires.")] = 600,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Mint a JWT for development, signed with the first HS256 issuer's key, and print nothing else."""
    from bridge.commands.token import mint

    now_s = int(time.time())
    typer.echo(mint(_load(config), user, campaigns=campaign or [], role=role, ttl_s=ttl, now_s=now_s))


@app.command("check-config", epilog=EXIT_CODES)
def check_config(as_json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Read the configuration and its key files, tell every mistake at once, and start nothing."""
    from bridge.commands.checking import check

    text, code = check(config, os.environ, as_json=as_json)
    typer.echo(text, err=code != OK and not as_json)
    raise typer.Exit(code)


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    typer.echo(f"hcs-bridge {installed('hcs-bridge')} (Python {sys.version.split()[0]})")
