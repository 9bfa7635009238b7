"""`hcs-bridge systemd-unit`, `default-config`: files that come with the bridge, printed wherever it is installed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

UNITS = Path(__file__).with_name("units")
DEFAULTS = Path(__file__).parents[1] / "config.toml"
SHIPPED_COMMAND = "/usr/bin/hcs-bridge"


def systemd_unit(
    port: Annotated[bool, typer.Option("--socket", help="The unit of the gateway's port instead.")] = False,
) -> None:
    """Print the unit of the service, to be put into /etc/systemd/system/hcs-bridge.service."""
    text = (UNITS / f"hcs-bridge.{'socket' if port else 'service'}").read_text(encoding="utf-8")
    typer.echo(text.replace(SHIPPED_COMMAND, own_path()), nl=False)


def default_config() -> None:
    """Print a config.toml with every key, its default, and what it takes: one to begin with, or to look things up."""
    typer.echo(DEFAULTS.read_text(encoding="utf-8"), nl=False)


def own_path() -> str:
    """Where this command is, absolute, as systemd wants it."""
    found = shutil.which(sys.argv[0])
    return str(Path(found).absolute()) if found else SHIPPED_COMMAND
