"""`hcs-bridge status`: what the running daemon says of itself, for people; with --watch again and again."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bridge.commands.exits import FAILED, OK, UNREACHABLE
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded

if TYPE_CHECKING:
    from bridge.config import Config

READY, DEGRADED, NOT_READY, AWAY = "ready", "degraded", "not ready", "away"
CODES = {READY: OK, DEGRADED: OK, NOT_READY: FAILED, AWAY: UNREACHABLE}
HINTS = {
    "topics": "halted topics: `hcs-bridge topic list` says which and why",
    "mirrors": "no mirror answers, so nothing gets confirmed: `hcs-bridge doctor` looks at them",
    "nodes": "no node answers, so nothing is sent: `hcs-bridge doctor` looks at them",
    "intake": "an application's database or stream can't be read, so its changes wait there: the log says why",
    "descriptors": "no file descriptors are left, so nobody more comes in: raise LimitNOFILE= in the service's unit",
    "bus": "the bus can't be reached, so news of other daemons come out of the database: the log says why",
    "daemons": "no daemon with the roles publish and relay runs, so what is accepted waits: start one",
    "campaigns": "of some campaigns nothing goes out: `hcs-bridge outbox list` says which and why",
    "database": "the database refused writes within the last minute: the log says why, as that the disk is full",
    "clock": "this machine's clock isn't the network's: let NTP set it, as with `timedatectl set-ntp true`",
}


def status(
    watch: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Again every so many seconds; 0: once.")] = 0,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Say whether the daemon of this configuration takes changes, and what of its work doesn't get done.

    Ends with 0 while it takes changes, 1 while it doesn't, 4 where none answers.
    """
    settings = loaded(config)
    code = asyncio.run(_show(settings, watch_s=watch, as_json=as_json))
    raise typer.Exit(code)


async def _show(config: Config, *, watch_s: float, as_json: bool) -> int:
    while True:
        found = await look(config)
        if watch_s and not as_json:
            Console().clear()
        at = f"{datetime.now().astimezone():%H:%M:%S} " if watch_s else ""
        typer.echo(json.dumps(found) if as_json else at + as_text(found))
        if not watch_s:
            return CODES[found["status"]]
        await asyncio.sleep(watch_s)


async def look(config: Config) -> dict[str, Any]:
    """`status`, `url`, and what `GET /readyz` answers; `reason` where it takes no changes, or doesn't answer."""
    from bridge.commands.addresses import http_url, trust
    from bridge.commands.door import Door
    from bridge.commands.exits import CommandFailed

    url = http_url(config)
    async with Door(url, None, trust=trust(config.http.tls_certificate_file)) as door:
        try:
            answer = await door.look("/readyz")
        except CommandFailed as failed:
            return {"status": AWAY, "url": url, "reason": str(failed)}
    if answer.status != HTTPStatus.OK:
        return {"status": NOT_READY, "url": url, "reason": answer.reason()}
    degraded = answer.body.get("degraded")
    return {"status": DEGRADED if degraded else READY, "url": url, **answer.body}


def as_text(found: Mapping[str, Any]) -> str:
    """A line each."""
    lines = [f"{found['url']}: {found['status']}"]
    if "reason" in found:
        lines.append(f"  {found['reason']}")
    if "topics" in found:
        lines.append(f"  topics halted: {found['topics']['halted']}")
        if "campaigns" in found:  # a daemon that isn't upgraded yet has none
            lines.append(f"  campaigns stopped: {found['campaigns']['stopped']}")
        lines += [f"  {name} down: {found[name]['down']} of {found[name]['of']}" for name in ("mirrors", "nodes")]
    lines += [f"  {HINTS.get(name, name)}" for name in found.get("degraded", [])]
    return "\n".join(lines)
