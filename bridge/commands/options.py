"""The options that most verbs share, and the configuration that one of them names."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.commands.exits import USAGE, CommandFailed
from bridge.errors import ConfigInvalid

if TYPE_CHECKING:
    from bridge.config import Config

ConfigPath = Annotated[Path, typer.Option("--config", "-c", envvar="HCS_BRIDGE_CONFIG", help="Configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
DEFAULT_CONFIG = Path("config.toml")


def loaded(path: Path, above: Mapping[str, str] | None = None) -> Config:
    """The configuration there, with this process's environment, and what options put `above` that, as variables.

    Raises ConfigInvalid.
    """
    from bridge.config import load  # noqa: PLC0415 # so that --help and version are quick

    said = above or {}
    try:
        return load(path, {**os.environ, **said})
    except ConfigInvalid as invalid:
        by_option = {f"environment {name}" for name in said}
        told = [replace(each, source="command line") if each.source in by_option else each for each in invalid.problems]
        raise ConfigInvalid(told) from None


def be_sure(question: str, *, yes: bool, hint: str) -> None:
    """Ask before what can't be taken back, unless --yes was said. Raises Abort, CommandFailed (nobody is there)."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandFailed("nobody is there to be asked", code=USAGE, hint=hint)
    typer.confirm(question, abort=True, err=True)
