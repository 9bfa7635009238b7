"""`hcs-bridge rebuild`: a lost database is made anew, as far as ledger and keys tell."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
# ruff: noqa: PLR0913, PLR0917 # an option of a verb is a parameter of its function
from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.rebuild import Tally

SETTLE_MARGIN_S = 60
"""Beyond a transaction's window: for the mirror to show what came in at its very end."""

RecoveryKey = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The recovery pair's private half, for campaigns' keys.")
]
KeyBackup = Annotated[
    Path | None, typer.Option(metavar="FILE", help="From `keys backup`, for users; needs --recovery-key.")
]
Settled = Annotated[
    bool, typer.Option("--settled", help="The lost bridge was stopped over three minutes ago: wait for nothing.")
]


def rebuild(
    topics: Annotated[Path | None, typer.Option(metavar="FILE", help="One topic id a line.")] = None,
    payer: Annotated[str | None, typer.Option(metavar="ACCOUNT", help="All topics that it made.")] = None,
    directory: Annotated[str | None, typer.Option(metavar="TOPIC", help="All topics that this one lists.")] = None,
    keys_from: Annotated[
        Path | None, typer.Option(metavar="OLD.db", help="A backup of the database, for the key epochs in it.")
    ] = None,
    recovery_key: RecoveryKey = None,
    key_backup: KeyBackup = None,
    without_locked: Annotated[
        bool, typer.Option("--without-locked", help="Go on without campaigns that no key at hand opens.")
    ] = False,
    settled: Settled = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Make a lost database anew from ledger and keys at hand. Spends nothing; killed, it goes on when run again.

    Campaign channels get the very offsets they had; users' channels begin anew, and their clients are told so. Events
    for single users come back only with a backup of their keys; without, they stay on the ledger, sealed. What
    was accepted and never reached the ledger is gone, and so are costs. Stop the old bridge first.
    """
    from bridge.commands.rebuilding import Request, rebuilt

    settings = loaded(config)
    settle_s = still_to_come_s(settings, settled=settled)
    request = Request(topics, payer, keys_from, recovery_key, key_backup, without_locked, settle_s, directory)
    tally = asyncio.run(rebuilt(settings, request))
    typer.echo(json.dumps(as_dict(tally)) if as_json else as_text(tally))


def still_to_come_s(config: Config, *, settled: bool) -> float:
    """For how long the lost bridge's last transactions may still show up; who waits for them is told so."""
    settle_s = 0 if settled else config.ledger.valid_duration_s + SETTLE_MARGIN_S
    if settle_s:
        waits = f"waits {settle_s:.0f} s for what the old bridge sent last; --settled: it was stopped longer ago"
        typer.echo(waits, err=True)
    return settle_s


def as_dict(tally: Tally) -> dict[str, int]:
    """What came of it, for scripts."""
    return {
        "campaigns": len(tally.campaigns),
        "messages": tally.messages,
        "publications": tally.publications,
        "skipped": tally.skipped,
        "locked": len(tally.locked),
        "empty": len(tally.empty),
        "foreign": len(tally.foreign),
        "second": len(tally.second),
    }


def as_text(tally: Tally, *, done: str = "rebuilt") -> str:
    """The same in a line: zeros that nobody misses are left out."""
    said = [
        f"{done} {len(tally.campaigns)} campaigns",
        f"read {tally.messages} messages into {tally.publications} publications",
    ]
    told = {
        f"{tally.skipped} messages skipped (see `hcs-bridge topic list`)": tally.skipped,
        f"{len(tally.locked)} topics left locked": tally.locked,
        f"{len(tally.empty)} topics without a message left alone": tally.empty,
        f"{len(tally.foreign)} topics are not this bridge's": tally.foreign,
        f"{len(tally.second)} second topics of campaigns left alone": tally.second,
        f"{len(tally.lost)} campaigns closed that can't go on": tally.lost,
    }
    return "; ".join([*said, *(text for text, count in told.items() if count)])
