"""The embedded network alone, for people who want a Hedera network beside their own program."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings
from topics.errors import TopicsError

KEY_FILE = "operator.key"
KEY_MARK = "# hcs-bridge demo key: devnet only"


class KeyFileInTheWay(TopicsError):
    """Nothing was started: the file that would hold the operator's key holds something that isn't ours."""

    hint = "choose another directory"

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} is not a key that this network wrote, and is left alone")


async def serve(
    settings: DevnetSettings, directory: Path | None = None, *, on_ready: Callable[[Devnet], None] | None = None
) -> None:
    """Run until cancelled. The operator's key goes into `directory`; `on_ready` is told once everything listens.

    Raises PortTaken, KeyFileInTheWay, OSError if the directory can't be written; JournalHeld and JournalDamaged where
    the settings have a directory to keep the network in.
    """
    async with Devnet(settings) as devnet:
        if directory is not None:
            # A few bytes, once, before anybody is served.
            write_operator_key(directory, devnet.operator_key)
        if on_ready is not None:
            on_ready(devnet)
        await asyncio.Event().wait()


def write_operator_key(directory: Path, private_der_hex: str) -> Path:
    """Write the key, readable by its owner only, whole or not at all; where it is comes back."""
    path = directory / KEY_FILE
    directory.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.read_bytes().startswith(KEY_MARK.encode()):
        raise KeyFileInTheWay(path)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{KEY_MARK}\n{private_der_hex}\n")
    new.replace(path)
    return path
