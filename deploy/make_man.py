"""Prints the manual page of `hcs-bridge`, made of the commands' own help: `make man`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import click
import typer

from bridge.cli import app


def page() -> str:
    """The page, in roff's man macros."""
    root = typer.main.get_command(app)
    lines = [
        '.TH HCS-BRIDGE 1 "" "hcs-bridge" "User Commands"',
        ".SH NAME",
        r"hcs-bridge \- campaigns' topics on the Hedera Consensus Service, relayed to browsers",
        ".SH SYNOPSIS",
        r".B hcs-bridge",
        r"\fICOMMAND\fR [\fIOPTION\fR]...",
        ".SH DESCRIPTION",
        text(root.help),
        ".SH COMMANDS",
        *commands(root, click.Context(root, info_name="hcs-bridge")),
        ".SH EXIT STATUS",
        text(root.epilog),
        ".SH ENVIRONMENT",
        r"\fBHCS_BRIDGE_CONFIG\fR names the configuration file,",
        r"\fBHCS_BRIDGE_SECTION__KEY\fR overrides one of its keys.",
    ]
    return "\n".join(lines) + "\n"


def commands(group: click.Command, context: click.Context) -> Iterator[str]:
    """Every command below, each with its arguments and options."""
    for name, command in sorted(getattr(group, "commands", {}).items()):
        below = click.Context(command, info_name=name, parent=context)
        if hasattr(command, "commands"):
            yield from commands(command, below)
            continue
        yield f".SS {text(' '.join([below.command_path, *command.collect_usage_pieces(below)]))}"
        yield text(command.help)
        for parameter in command.params:
            if (record := parameter.get_help_record(below)) is not None:
                yield from (".TP", f"\\fB{text(record[0])}\\fR", text(record[1]))


def text(found: str | None) -> str:
    """Words, for roff: paragraphs kept, nothing in them taken for a macro."""
    paragraphs = [re.sub(r"\s+", " ", each).strip() for each in re.split(r"\n\s*\n", found or "")]
    escaped = (each.replace("\\", r"\e").replace("-", r"\-") for each in paragraphs)
    return "\n.PP\n".join(f"\\&{each}" if each.startswith((".", "'")) else each for each in escaped)


if __name__ == "__main__":
    sys.stdout.write(page())
