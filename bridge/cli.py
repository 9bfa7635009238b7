"""The verbs of `hcs-bridge`: what they take. What they do is in `bridge.commands`, imported only when needed."""

# ruff: noqa: PLC0415 # verbs import what they need, so that --help and version are quick
# ruff: noqa: PLR0913, PLR0917 # an option of a verb is a parameter of its function
from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.commands.exits import EXIT_CODES, OK, REFUSED, USAGE, CommandFailed, end, until_stopped

if TYPE_CHECKING:
    from bridge.config import Config

app = typer.Typer(
    help="Gives every campaign a topic on the Hedera Consensus Service, writes its changes there, sealed, and brings "
    "the checked, consensus-ordered stream back to browsers.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
topics_app = typer.Typer(help="Make and look at the topics of campaigns.", epilog=EXIT_CODES, no_args_is_help=True)
app.add_typer(topics_app, name="topic")

ConfigPath = Annotated[Path, typer.Option("--config", "-c", envvar="HCS_BRIDGE_CONFIG", help="Configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
ConsensusMs = Annotated[int, typer.Option("--consensus-ms", min=0, help="Milliseconds from a node to consensus.")]
MirrorMs = Annotated[int, typer.Option("--mirror-ms", min=0, help="Milliseconds from consensus to the mirror.")]
DEFAULT_CONFIG = Path("config.toml")


def main(arguments: list[str] | None = None) -> None:
    """Run a command line (default: the process's own). Always ends with SystemExit."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what it writes to stderr comes as an error of ours, too
    try:
        app(arguments)
    except Exception as error:  # noqa: BLE001 # the root: what has no code of its own goes on as a crash
        end(error)


@app.command(epilog=EXIT_CODES)
def serve(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Run the bridge: HTTP door, gateway, and both corridors. SIGTERM drains and ends it."""
    from bridge import app as bridge_app
    from bridge.key_files import check_key_files
    from bridge.log import set_up

    loaded = _load(config)
    check_key_files(loaded)
    set_up(loaded.log)
    asyncio.run(bridge_app.serve(loaded))


@app.command(epilog=EXIT_CODES)
def devnet(
    port: Annotated[int, typer.Option(help="TCP port of the first node; 0: any free one.")] = 50211,
    second_port: Annotated[int, typer.Option(help="TCP port of the second node.")] = 50212,
    mirror_port: Annotated[int, typer.Option(help="TCP port of the mirror's REST side.")] = 5551,
    consensus_ms: ConsensusMs = 2900,
    mirror_ms: MirrorMs = 2100,
    time_scale: Annotated[float, typer.Option(min=0.001, help="Divides windows and lifetimes, for tests.")] = 1.0,
    directory: Annotated[Path, typer.Option("--dir", help="Where key files are put.")] = Path("var/devnet"),
) -> None:
    """Run a Hedera network in this process: two consensus nodes and a mirror on real ports. Ctrl-C ends it.

    The shipped config.toml runs against it as it is.
    """
    from rich.console import Console

    from bridge.commands.network import print_addresses, run_devnet
    from topics.devnet.settings import DevnetSettings

    settings = DevnetSettings(
        node_ports=(port, second_port),
        mirror_port=mirror_port,
        consensus_delay_s=consensus_ms / 1000,
        mirror_delay_s=mirror_ms / 1000,
        time_scale=time_scale,
    )
    console = Console(stderr=True)
    until_stopped(run_devnet(settings, directory, tell=lambda found: print_addresses(found, directory, console)))


@app.command(epilog=EXIT_CODES)
def demo(
    consensus_ms: ConsensusMs = 2900,
    mirror_ms: MirrorMs = 2100,
    campaigns: Annotated[int, typer.Option(min=1, max=12, help="How many campaigns the sample day has.")] = 10,
    rate: Annotated[float, typer.Option(min=0, help="Events a second; 0: 3, or 50 with --once.")] = 0,
    once: Annotated[bool, typer.Option("--once", help="No page; end when every event has come back.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Watch a sample day of campaigns go over a devnet and the bridge, to this terminal and a live page.

    With --once --json the last line is one JSON object with what was counted and measured.
    """
    from bridge.commands.demo import Options, run_demo

    options = Options(
        consensus_ms=consensus_ms, mirror_ms=mirror_ms, campaigns=campaigns, rate=rate, once=once, as_json=as_json
    )
    until_stopped(run_demo(options, config if config.exists() else None))


@topics_app.command("create", epilog=EXIT_CODES)
def topic_create(
    campaign: Annotated[str, typer.Argument(metavar="ID", help="The campaign's id.")],
    owner: Annotated[str, typer.Option("--owner", help="The user who may see it.")],
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Make a campaign's topic, once: a second time shows the one that is there. Works with and without the daemon."""
    from bridge.commands import topic

    _show_topics([asyncio.run(topic.create(_load(config), campaign, owner))], as_json, one=True)


@topics_app.command("list", epilog=EXIT_CODES)
def topic_list(as_json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show every campaign with its topic, its status and its last sequence number."""
    from bridge import offline
    from bridge.commands import topic

    known = asyncio.run(offline.topics(_load(config)))
    _show_topics([topic.as_row(entry) for entry in known], as_json, one=False)


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
    _show_topics([topic.as_row(known)], as_json, one=True)


@app.command(epilog=EXIT_CODES)
def publish(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, or - for standard input.")],
    again: Annotated[str, typer.Option(metavar="LABEL", help="Publish the same file anew, under this label.")] = "",
    url: Annotated[str | None, typer.Option(help="The daemon's HTTP door, if not the configuration's.")] = None,
    patience_s: Annotated[float, typer.Option(min=0, help="Seconds to wait for a daemon that is away or busy.")] = 60,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Hand a file of changes to the daemon, in order: one {"event", "payload", "campaignId", "to", "at"} a line.

    Interrupted, it resumes when run again on the same file within http.idempotency_keep_h: nothing is doubled.
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
    since: Annotated[int | None, typer.Option(min=0, help="Start behind this offset; needs --epoch.")] = None,
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


def _load(path: Path) -> Config:
    from bridge.config import load

    return load(path, os.environ)


def _show_topics(rows: list[dict[str, object]], as_json: bool, *, one: bool) -> None:
    import json

    from rich.console import Console

    from bridge.commands import topic

    if as_json:
        typer.echo(json.dumps(rows[0] if one else rows))
    else:
        Console().print(topic.table(rows))
