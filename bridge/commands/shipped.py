"""`hcs-bridge systemd-unit`: the service's unit, for the command that is run just now."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

UNITS = Path(__file__).with_name("units")
SHIPPED_COMMAND = "/usr/bin/hcs-bridge"


def systemd_unit(
    port: Annotated[bool, typer.Option("--socket", help="The unit of the gateway's port instead.")] = False,
) -> None:
    """Print the unit of the service, to be put into /etc/systemd/system/hcs-bridge.service."""
    text = (UNITS / f"hcs-bridge.{'socket' if port else 'service'}").read_text(encoding="utf-8")
    typer.echo(text.replace(SHIPPED_COMMAND, own_path()), nl=False)


def own_path() -> str:
    """Where this command is, absolute, as systemd wants it."""
    found = shutil.which(sys.argv[0])
    return str(Path(found).absolute()) if found else SHIPPED_COMMAND
