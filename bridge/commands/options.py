"""The options that most verbs share, and the configuration that one of them names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.config import Config

ConfigPath = Annotated[Path, typer.Option("--config", "-c", envvar="HCS_BRIDGE_CONFIG", help="Configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
DEFAULT_CONFIG = Path("config.toml")


def loaded(path: Path) -> Config:
    """The configuration there, with this process's environment. Raises ConfigInvalid."""
    from bridge.config import load  # noqa: PLC0415 # so that --help and version are quick

    return load(path, os.environ)
