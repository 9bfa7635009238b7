"""`hcs-bridge db`: brings the database to this version's schema, and looks whether it is whole."""

# ruff: noqa: PLC0415 # as in the other verbs: what one needs is imported when it runs
from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.commands.exits import EXIT_CODES, FAILED, OK, USAGE, CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded

if TYPE_CHECKING:
    from bridge.config_sections import Database

db_app = typer.Typer(help="Upgrade and check the database.", epilog=EXIT_CODES, no_args_is_help=True)


@db_app.command("upgrade", epilog=EXIT_CODES)
def upgrade(as_json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Bring the database to this version's schema, whole or not at all. Stop the daemon and make a backup before."""
    from bridge import migrations
    from bridge.engines import kind_of, unavailable

    section = loaded(config).database
    kind, place = kind_of(section), kind_of(section).place(section)
    if not kind.exists(section):
        raise CommandFailed(f"there is no database {place}", code=USAGE, hint="the first `hcs-bridge serve` makes it")
    with closing(kind.hold(section)), unavailable():
        engine = kind.engine_of(section)
        try:
            before, after = migrations.upgrade(engine)
        finally:
            engine.dispose()
    text = f"schema {after} already" if before == after else f"upgraded from schema {before or 'none'} to {after}"
    typer.echo(json.dumps({"from": before, "to": after}) if as_json else f"{place}: {text}")


@db_app.command("migrate-to", epilog=EXIT_CODES)
def migrate_to(
    url: Annotated[str, typer.Argument(metavar="URL", help="As database.url is to be: postgresql://user@host/name.")],
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Move everything to another, empty database, and compare row by row. Stop the daemon before.

    Broken off, it goes on where it stopped when it is run again. At the end the old database says that it was moved,
    and database.url is to name the new one. A password belongs into PGPASSFILE or a service file, not on this line.
    """
    from bridge import migrations, moving
    from bridge.commands.scratch import bar
    from bridge.engines import kind_of, unavailable

    here = loaded(config).database
    there = _moved_to(here, url)
    old, new = kind_of(here), kind_of(there)
    if not old.exists(here):
        raise CommandFailed(f"there is no database {old.place(here)}", code=USAGE)
    with closing(old.hold(here)), closing(new.hold(there)), unavailable(), bar() as progress:
        source, target = old.engine_of(here), new.engine_of(there)
        try:
            migrations.upgrade(source)
            migrations.upgrade(target)
            rows = moving.move(source, target, progress)
        finally:
            source.dispose()
            target.dispose()
    text = f"{rows} rows are in {new.place(there)}, the same as here; set database.url to it"
    typer.echo(json.dumps({"rows": rows}) if as_json else text)


def _moved_to(section: Database, url: str) -> Database:
    from bridge.config_rules import database_url

    try:
        there = section.model_copy(update={"url": database_url(url)})
    except ValueError as error:
        raise CommandFailed(f"URL {error}", code=USAGE) from None
    if there.url == section.url:
        raise CommandFailed("URL is where the database is", code=USAGE)
    return there


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
