"""`hcs-bridge db`: brings the database to this version's schema, and looks whether it is whole."""

# ruff: noqa: PLC0415 # as in the other verbs: what one needs is imported when it runs
from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from bridge.commands.exits import EXIT_CODES, FAILED, OK, USAGE, CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded

db_app = typer.Typer(help="Upgrade and check the database.", epilog=EXIT_CODES, no_args_is_help=True)


@db_app.command("upgrade", epilog=EXIT_CODES)
def upgrade(as_json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Bring the database to this version's schema, whole or not at all. Stop the daemon and make a backup before."""
    from bridge import migrations
    from bridge.database import Database
    from bridge.database_file import hold, unavailable
    from bridge.relay.audit.looking import database_path

    section = loaded(config).database
    path = database_path(section)
    if not path.is_file():
        raise CommandFailed(f"there is no database {path}", code=USAGE, hint="the first `hcs-bridge serve` makes it")
    with hold(section), unavailable():
        engine = Database(section).engine
        try:
            before, after = migrations.upgrade(engine)
        finally:
            engine.dispose()
    text = f"schema {after} already" if before == after else f"upgraded from schema {before or 'none'} to {after}"
    typer.echo(json.dumps({"from": before, "to": after}) if as_json else f"{path}: {text}")


@db_app.command("check", epilog=EXIT_CODES)
def check(
    offline: Annotated[bool, typer.Option("--offline", help="Don't compare positions with the mirror.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Look whether the database is whole, whether its rows belong together, and whether the mirror has what it read.

    Changes nothing; works beside a running daemon. Ends with 0 if nothing failed.
    """
    from bridge.commands.doctor import as_report, as_text
    from bridge.doctor.findings import Status
    from bridge.doctor.integrity import checked

    findings = asyncio.run(checked(loaded(config), offline=offline))
    typer.echo(as_report(findings) if as_json else as_text(findings))
    raise typer.Exit(FAILED if any(each.status is Status.FAILED for each in findings) else OK)
