"""Makes the bridge's keys for a devnet on the spot, marked so that no other network will take them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from bridge.key_files import DEMO_MARK

KEY_BYTES = 32
FILES = ("master.key", "signing.key", "api.key", "token.key")


def make_demo_keys(directory: Path, random_hex: Callable[[int], str] = secrets.token_hex) -> list[Path]:
    """Write the key files that are missing in `directory`: 64 hex digits each, mode 600. The new ones come back."""
    directory.mkdir(parents=True, exist_ok=True)
    made = []
    for name in FILES:
        path = directory / name
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{DEMO_MARK}\n{random_hex(KEY_BYTES)}\n")
        made.append(path)
    return made
