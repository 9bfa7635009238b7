"""Finds recorded ledger data beside the checkout; a test that needs it skips, saying so, where it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def recorded(name: str | Path) -> Path:
    """The recorded file, or a skip that names it."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"recorded file {name} is not beside this checkout")
    return path
