"""`hcs-bridge devnet`: the embedded Hedera network alone, with everything that config.toml needs to run against it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bridge.commands.exits import USAGE, CommandFailed
from bridge.demo.keys import make_demo_keys
from topics.devnet.devnet import Devnet
from topics.devnet.journal import JournalDamaged, JournalHeld
from topics.devnet.ports import PortTaken
from topics.devnet.serve import KEY_FILE, KeyFileInTheWay, serve
from topics.devnet.settings import DevnetSettings


async def run_devnet(settings: DevnetSettings, directory: Path, *, tell: Callable[[Devnet], None]) -> None:
    """Listen until cancelled. Key files are made in `directory`; the operator's is the kept network's, or a new one.

    Raises CommandFailed for a taken port, for a key file that isn't the devnet's, and for a network in
    `settings.directory` that another process runs, or that can't be read.
    """
    try:
        make_demo_keys(directory)
        await serve(settings, directory, on_ready=tell)
    except (PortTaken, KeyFileInTheWay, JournalHeld, JournalDamaged) as refused:
        raise CommandFailed(str(refused), code=USAGE, hint=refused.hint) from refused
    except OSError as error:
        raise CommandFailed(f"can't write to {directory}: {error.strerror}", code=USAGE) from error


def print_addresses(devnet: Devnet, directory: Path, console: Console) -> None:
    """Where everything is, as a table."""
    kept = devnet.settings.directory
    where = "in memory, gone when it stops" if kept is None else f"kept in {kept}"
    table = Table(title=f"Hedera devnet, {where}", show_header=False, title_justify="left")
    for account, address in devnet.nodes.items():
        table.add_row(f"node {account}", address)
    for number, mirror in enumerate(devnet.mirrors):
        name = f"mirror {number}" if number else "mirror"
        table.add_row(f"{name} REST", f"{mirror.rest.url}/api/v1")
        table.add_row(f"{name} gRPC", mirror.grpc.address)
    table.add_row("operator account", str(devnet.operator_id))
    table.add_row("operator key", str(directory / KEY_FILE))
    table.add_row("bridge keys", str(directory))
    console.print(table)
    if devnet.resumed:
        console.print(f"It goes on where it was, with {len(devnet.network.state.topics)} topics. Ctrl-C stops it.")
    else:
        console.print("It is a new network: give the daemon a new database, too. Ctrl-C stops it.")
