"""`hcs-bridge devnet`: the embedded Hedera network alone, with everything that config.toml needs to run against it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bridge.commands.exits import USAGE, CommandFailed
from bridge.demo.keys import make_demo_keys
from bridge.key_files import DEMO_MARK
from topics.devnet.devnet import Devnet
from topics.devnet.ports import PortTaken
from topics.devnet.settings import DevnetSettings

OPERATOR_KEY_FILE = "operator.key"


async def run_devnet(settings: DevnetSettings, directory: Path, *, console: Console) -> None:
    """Listen until cancelled. Key files are made in `directory`; the operator's is new each time, as the network is."""
    try:
        async with Devnet(settings) as devnet:
            make_demo_keys(directory)
            write_operator_key(directory, devnet.operator_key)
            _tell(devnet, directory, console)
            await asyncio.Event().wait()
    except PortTaken as taken:
        raise CommandFailed(str(taken), code=USAGE, hint=taken.hint) from taken


def write_operator_key(directory: Path, key: str) -> Path:
    """Put the operator's private key where `operator.key_file` looks for it, mode 600."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / OPERATOR_KEY_FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{DEMO_MARK}\n{key}\n")
    return path


def _tell(devnet: Devnet, directory: Path, console: Console) -> None:
    table = Table(title="Hedera devnet, in memory, gone when it stops", show_header=False, title_justify="left")
    for account, address in devnet.nodes.items():
        table.add_row(f"node {account}", address)
    table.add_row("mirror REST", f"{devnet.mirror_url}/api/v1")
    table.add_row("operator account", str(devnet.operator_id))
    table.add_row("operator key", str(directory / OPERATOR_KEY_FILE))
    table.add_row("bridge keys", str(directory))
    console.print(table)
    console.print("It is a new network: give the daemon a new database, too. Ctrl-C stops it.")
