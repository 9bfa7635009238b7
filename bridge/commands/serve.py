"""`hcs-bridge serve`: the daemon."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.commands.options import DEFAULT_CONFIG, ConfigPath, loaded

if TYPE_CHECKING:
    from bridge.config import Config


def serve(
    roles: Annotated[
        str | None, typer.Option(metavar="ROLE,…", help="What it does, of ingest, publish, relay and gateway.")
    ] = None,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Run the bridge: HTTP door, gateway, and both corridors. SIGTERM drains and ends it, SIGHUP reads CONFIG again."""
    from bridge import app, descriptors
    from bridge.doctor.files import check_keys
    from bridge.log import set_up
    from bridge.systemd import service

    def read() -> Config:
        found = loaded(config, {} if roles is None else {"HCS_BRIDGE_DAEMON__ROLES": json.dumps(roles.split(","))})
        check_keys(found)
        return found

    settings = read()
    set_up(settings.log)
    descriptors.take_all(settings)
    asyncio.run(app.serve(settings, service(os.environ), read))
