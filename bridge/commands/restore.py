"""`hcs-bridge restore`: a backup is put in place, fitted to what the ledger has beyond it."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
# ruff: noqa: PLR0913, PLR0917 # an option of a verb is a parameter of its function
from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded
from bridge.commands.rebuild import KeyBackup, RecoveryKey, Settled, as_dict, as_text, still_to_come_s


def restore(
    backup: Annotated[Path, typer.Argument(metavar="FILE", help="What `hcs-bridge backup` made.")],
    recovery_key: RecoveryKey = None,
    key_backup: KeyBackup = None,
    without_lost: Annotated[
        bool, typer.Option("--without-lost", help="Close campaigns whose keys are younger than the backup.")
    ] = False,
    settled: Settled = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Put a backup in place, with all that the ledger has beyond it: nothing is sent twice. Spends nothing.

    What was accepted after the backup and never reached the ledger is gone; what did is there again. Users' channels
    begin anew, and their clients are told so. The place where the database belongs must be empty, and the old bridge
    stopped. Killed, it has put nothing in place: run it again.
    """
    from bridge.commands.restoring import Request, restored

    settings = loaded(config)
    settle_s = still_to_come_s(settings, settled=settled)
    tally = asyncio.run(restored(settings, Request(backup, recovery_key, key_backup, without_lost, settle_s)))
    lost = {"lost": len(tally.lost)}
    typer.echo(json.dumps(as_dict(tally) | lost) if as_json else as_text(tally, done="restored"))
