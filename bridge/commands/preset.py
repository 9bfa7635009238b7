"""`hcs-bridge preset`: SQL that lets an application's PostgreSQL tell its changes, out of the rules of a preset."""

# ruff: noqa: PLC0415 # as in the other verbs: what one needs is imported when it runs
from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.commands.exits import EXIT_CODES, FAILED, USAGE, CommandFailed
from bridge.commands.preset_init import init

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.config_sections import PostgresSource
    from bridge.intake.rules import Column
    from bridge.protocol.door.catalogue import Catalogue

SHIPPED = ("hashbuzz",)
NO_CREDENTIALS = {"CREDENTIALS_DIRECTORY": "/run/credentials/hcs-bridge.service"}
"""So that `credential:` is understood outside the service: no file of these is read here."""
KEY = "ingest.postgres"

preset_app = typer.Typer(
    help="Let an application's PostgreSQL tell its changes: triggers of a preset.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)


@preset_app.callback()
def preset(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PRESET", help=f"{', '.join(SHIPPED)}, or a TOML file.")],
) -> None:
    """Let an application's PostgreSQL tell its changes: triggers by the [[ingest.postgres.tables]] of a preset.

    A file is a copy of a preset, or a whole config.toml.
    """
    path = Path(str(files("bridge.intake") / f"{name}.toml")) if name in SHIPPED else Path(name)
    if not path.is_file():
        raise CommandFailed(f"there is no preset {name}", code=USAGE, hint=f"{', '.join(SHIPPED)}, or a TOML file")
    context.obj = path


preset_app.command(epilog=EXIT_CODES)(init)
Source = Annotated[str | None, typer.Option("--source", metavar="NAME", help="Which, if there are several.")]


@preset_app.command("show", epilog=EXIT_CODES)
def show(context: typer.Context) -> None:
    """Print the preset, to be put into a file and changed there."""
    path: Path = context.obj
    typer.echo(path.read_text(encoding="utf-8"), nl=False)


@preset_app.command("sql", epilog=EXIT_CODES)
def sql(
    context: typer.Context,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="What takes it all away again.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With --uninstall: rows that still wait, too.")] = False,
    source: Source = None,
) -> None:
    """Print SQL for psql, which installs the triggers, or brings them to what the preset says now.

    --uninstall leaves the outbox where rows still wait in it, unless --all is said.
    """
    from bridge.intake import triggers

    if everything and not uninstall:
        raise CommandFailed("--all goes with --uninstall", code=USAGE)
    if uninstall:
        typer.echo(triggers.uninstall(everything=everything), nl=False)
        return
    found, catalogue = _rules(context.obj, source)
    typer.echo(triggers.install(found.tables, catalogue), nl=False)


@preset_app.command("check", epilog=EXIT_CODES)
def check(
    context: typer.Context,
    database: Annotated[
        str,
        typer.Option(envvar="DATABASE_URL", metavar="URL", help="Of the application: postgresql://user@host/name."),
    ],
    source: Source = None,
) -> None:
    """Compare the preset with the tables that are there, and say what is missing or of another type than expected.

    Ends with 0 if nothing is. A password belongs into the environment or PGPASSFILE, not on this line.
    """
    from bridge.intake.rules import differences, wanted

    found, catalogue = _rules(context.obj, source)
    wants = wanted(found.tables, catalogue)
    tables = sorted({want.table for want in wants})
    live = asyncio.run(_columns(found.name, database, tables))
    for difference in (told := differences(wants, live)):
        typer.echo(difference)
    if told:
        raise typer.Exit(FAILED)
    typer.echo(f"all columns are there: {', '.join(tables)}")


def _rules(path: Path, name: str | None) -> tuple[PostgresSource, Catalogue]:
    """The one source, with rules that make events which the bridge takes. Raises ConfigInvalid, CommandFailed."""
    from bridge.config import load
    from bridge.errors import ConfigInvalid
    from bridge.intake.rules import problems
    from bridge.storage import catalogue_of

    config = load(path, NO_CREDENTIALS)
    found, catalogue = _source(config, name), catalogue_of(config)
    key = f"{KEY}.{config.ingest.postgres.index(found)}.tables"
    if wrong := problems(found.tables, catalogue, source=str(path), key=key):
        raise ConfigInvalid(wrong)
    return found, catalogue


def _source(config: Config, name: str | None) -> PostgresSource:
    found = [each for each in config.ingest.postgres if name in (None, each.name)]
    if not config.ingest.postgres:
        raise CommandFailed(f"the file has no [[{KEY}]]", code=USAGE)
    if len(found) != 1:
        names = ", ".join(each.name for each in config.ingest.postgres)
        raise CommandFailed(f"which [[{KEY}]] is meant: {names}?", code=USAGE, hint="--source NAME")
    if not found[0].tables:
        raise CommandFailed(f"{KEY} {found[0].name} has no tables", code=USAGE, hint=f"say which in [[{KEY}.tables]]")
    return found[0]


async def _columns(name: str, url: str, tables: list[str]) -> list[Column]:
    try:
        from bridge.intake import postgres
    except ModuleNotFoundError as error:
        raise CommandFailed(f"{error}", code=USAGE, hint="pip install 'hcs-bridge[postgresql]'") from error
    from bridge.intake.settings import SourceSettings

    postgres.check_url(url, key="--database")
    async with postgres.opened(SourceSettings(name, url)) as source:
        return await source.columns(tables)
