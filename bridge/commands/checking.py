"""`hcs-bridge check-config`: every mistake at once, and nothing started."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from bridge.commands.exits import OK, USAGE, describe
from bridge.config import Config, load
from bridge.doctor.files import check_keys
from bridge.engines import kind_of
from bridge.errors import ConfigInvalid


def check(path: Path, environ: Mapping[str, str], *, as_json: bool) -> tuple[str, int]:
    """What to print, and the exit code."""
    try:
        config = load(path, environ)
        check_keys(config)
    except ConfigInvalid as invalid:
        told = [dataclasses.asdict(problem) for problem in invalid.problems]
        return json.dumps({"ok": False, "problems": told}) if as_json else describe(invalid), USAGE
    return json.dumps({"ok": True, "problems": []}) if as_json else _summary(path, config), OK


def _summary(path: Path, config: Config) -> str:
    return (
        f"{path} is fine: network {config.network.name}, {len(config.network.nodes)} nodes, "
        f"payer {config.operator.account}, mirror {config.mirror.urls[0]}, "
        f"database {kind_of(config.database).place(config.database)}, "
        f"door {config.http.host}:{config.http.port}, gateway {config.gateway.host}:{config.gateway.port}"
    )
