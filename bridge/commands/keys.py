"""`hcs-bridge keys`: what its verbs take; what they do is in keys_made, keys_acts, keys_view and granting."""

# ruff: noqa: PLC0415 # as in the other verbs: what one needs is imported when it runs
from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from bridge.commands.exits import EXIT_CODES, USAGE, CommandFailed
from bridge.commands.granting import grant, grants, revoke
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded

keys_app = typer.Typer(
    help="Make, list, rotate, grant, rewrap, save and destroy keys.", epilog=EXIT_CODES, no_args_is_help=True
)

Campaign = Annotated[str | None, typer.Option("--campaign", metavar="ID", help="Of this campaign.")]
User = Annotated[str | None, typer.Option("--user", metavar="ID", help="Of this user.")]
NewMaster = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="64 hex digits, mode 600; default: one is made beside the old one."),
]


@keys_app.command("init", epilog=EXIT_CODES)
def init(as_json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Make the master key and the signing key where the configuration wants them. What is there stays."""
    from bridge.commands import keys_made

    made = keys_made.init(loaded(config))
    typer.echo(json.dumps(made) if as_json else keys_made.init_text(made))


@keys_app.command("recovery-init", epilog=EXIT_CODES)
def recovery_init(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Make the recovery pair: its public half goes to keys.recovery_public_key_file, its private half is printed, once.

    Keep what is printed in a safe, not on this machine: with it and the ledger all campaigns can be read.
    """
    from bridge.commands import keys_made

    private, note = keys_made.recovery_init(loaded(config))
    typer.echo(note, err=True)
    typer.echo(private)


@keys_app.command("public", epilog=EXIT_CODES)
def public(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Print the signing key's public half, as hex digits: what readers pin (`verify --pin`), and no secret."""
    from bridge.keys.load import public_key_of

    typer.echo(public_key_of(loaded(config).keys).hex())


@keys_app.command("list", epilog=EXIT_CODES)
def list_(
    campaign: Campaign = None, user: User = None, as_json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG
) -> None:
    """Show whose keys there are, since when, and who had them made. Never a key itself."""
    from bridge.commands import keys_view
    from bridge.commands.tables import print_whole

    owner = None if campaign is None and user is None else _one(campaign, user)
    rows = asyncio.run(keys_view.listed(loaded(config), owner))
    if as_json:
        typer.echo(json.dumps(rows))
    else:
        print_whole(keys_view.table(rows))


@keys_app.command("rotate", epilog=EXIT_CODES)
def rotate(
    campaign: Annotated[str | None, typer.Argument(metavar="[CAMPAIGN]", help="The campaign's id.")] = None,
    user: User = None,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Give a campaign, or a user, another key. Who has the old one reads what was sealed so far, and nothing after.

    A campaign's takes its place behind all that was accepted for it, and holds from the next frame; a user's at once.
    Works with and without the daemon.
    """
    from bridge.commands import keys_acts

    kind, name = _one(campaign, user)
    done = asyncio.run(keys_acts.rotate(loaded(config), kind, name))
    typer.echo(json.dumps(done) if as_json else keys_acts.rotated_text(kind, name, done))


@keys_app.command("rewrap", epilog=EXIT_CODES)
def rewrap(
    new_master_key: NewMaster = None,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Change the master key. The daemon goes on meanwhile; killed at any moment, run it again.

    The old key is kept beside the new one: copies of the database from before open with it alone.
    """
    from bridge.commands import keys_acts

    done = asyncio.run(keys_acts.rewrap(loaded(config), new_master_key))
    typer.echo(json.dumps(done) if as_json else keys_acts.rewrapped_text(done))


@keys_app.command("shred", epilog=EXIT_CODES)
def shred(
    campaign: Campaign = None,
    user: User = None,
    yes: Annotated[str | None, typer.Option("--yes", metavar="ID", help="The id again, instead of typing it.")] = None,
    new_master_key: NewMaster = None,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Destroy a campaign's or a user's keys for good, with what the database holds of their events.

    What the ledger has stays there, and opens for nobody who hasn't the keys already. The master key is replaced, too,
    and the old one is not kept.
    """
    from bridge.commands import keys_acts

    kind, name = _one(campaign, user)
    settings = loaded(config)
    _be_certain(kind, name, yes)
    done = asyncio.run(keys_acts.shred(settings, kind, name, new_master_key))
    typer.echo(json.dumps(done) if as_json else keys_acts.shredded_text(kind, name, done))


@keys_app.command("backup", epilog=EXIT_CODES)
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; nothing may be there.")],
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Save all users' keys, which no ledger holds, for the recovery key alone. Works beside the daemon."""
    from bridge.commands import keys_made

    count = asyncio.run(keys_made.backup(loaded(config), file))
    typer.echo(json.dumps({"saved": count}) if as_json else f"{count} keys saved in {file}")


@keys_app.command("restore", epilog=EXIT_CODES)
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="From `keys backup`.")],
    recovery_key: Annotated[Path, typer.Option(metavar="FILE", help="The recovery pair's private half.")],
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Put users' keys back that aren't here any more. The daemon must be stopped.

    A user that was shredded after the backup was made comes back with it.
    """
    from bridge.commands import keys_made

    count = asyncio.run(keys_made.restore(loaded(config), file, recovery_key))
    typer.echo(json.dumps({"restored": count}) if as_json else f"{count} keys put back")


for verb in grant, revoke, grants:
    keys_app.command(epilog=EXIT_CODES)(verb)


def _one(campaign: str | None, user: str | None) -> tuple[str, str]:
    match campaign, user:
        case str(), None:
            return "campaign", campaign
        case None, str():
            return "user", user
    raise CommandFailed("name either a campaign or a --user", code=USAGE)


def _be_certain(kind: str, name: str, yes: str | None) -> None:
    """The id must be typed, or given again. Raises CommandFailed."""
    import sys

    if yes is None:
        if not sys.stdin.isatty():
            raise CommandFailed("nobody is there to be asked", code=USAGE, hint=f"say --yes {name} to do it unasked")
        yes = typer.prompt(f"This can't be undone. Type the {kind}'s id to destroy its keys", err=True)
    if yes != name:
        raise CommandFailed(f"that is not the {kind}'s id: nothing was destroyed", code=USAGE)
