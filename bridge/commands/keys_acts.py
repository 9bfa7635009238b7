"""Keys rotated, rewrapped and shredded by `hcs-bridge keys`: by the running daemon, or by this process if none runs."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from bridge.commands import new_master
from bridge.commands.door import ask_daemon
from bridge.commands.exits import CommandFailed
from bridge.config import Config
from bridge.desk.keys import key_desk_alone
from bridge.gateway.key_admin import shredded_json
from bridge.publish.costs import NOBODY

DONE = frozenset({200, 202})
PATIENCE_S = 3600.0
"""All that the database holds may have to be sealed anew before the daemon answers."""

STILL_OPENS = """what can still open what it wrote:
  who was granted the keys, and kept them
  copies of the database from before, together with the old master key: destroy the copies, or that key"""
CAMPAIGNS_TOO = "  the recovery key, if there is one: the campaign's keys stand on the ledger for it"
USERS_TOO = "  the recovery key with a key backup from before (`hcs-bridge keys backup`): destroy it, and make another"


async def rotate(config: Config, kind: str, name: str) -> dict[str, Any]:
    """Give a campaign (the id of the message that says so comes back) or a user (its kid) another key."""
    done = await _through_daemon(config, f"{kind}s/{quote(name, safe='')}/rotate", {})
    if done is not None:
        return done
    async with key_desk_alone(config) as desk:
        if kind == "user":
            return {"kid": (await desk.rotate_user(name, by=NOBODY)).hex()}
        return {"id": str(uuid.UUID(bytes=await desk.rotate_campaign(name, by=NOBODY)))}


def rotated_text(kind: str, name: str, done: dict[str, Any]) -> str:
    """What a person reads."""
    if kind == "user":
        return f"user {name} has the key {done['kid']} from the next seal on"
    return f"campaign {name} gets another key behind what waits; see `hcs-bridge outbox show {done['id']}`"


async def rewrap(config: Config, new_file: Path | None) -> dict[str, Any]:
    """Change the master key; how many keys were rewrapped, where it is, and where the old one is kept."""
    path = new_master.prepared(config, new_file, "rewrap")
    done = await _through_daemon(config, "keys/rewrap", {"newMasterKeyFile": str(path)})
    if done is None:
        async with key_desk_alone(config) as desk:
            done = {"rewrapped": await desk.rewrap(str(path), by=NOBODY)}
    return done | new_master.put_in_place(config, path)


def rewrapped_text(done: dict[str, Any]) -> str:
    """What a person reads."""
    return f"{done['rewrapped']} keys stand under another master key now\n{new_master.placed_text(done)}"


async def shred(config: Config, kind: str, name: str, new_file: Path | None) -> dict[str, Any]:
    """Destroy a campaign's or a user's keys; what went, and where the new master key is."""
    path = new_master.prepared(config, new_file, "shred")
    body = {f"{kind}Id": name, "newMasterKeyFile": str(path)}
    done = await _through_daemon(config, "keys/shred", body)
    if done is None:
        async with key_desk_alone(config) as desk:
            done = shredded_json(await desk.shred(kind, name, str(path), by=NOBODY))
    return done | new_master.put_in_place(config, path)


def shredded_text(kind: str, name: str, done: dict[str, Any]) -> str:
    """What a person reads: what is gone, and what isn't."""
    too = CAMPAIGNS_TOO if kind == "campaign" else USERS_TOO
    gone = f"{len(done['kids'])} keys of {kind} {name} are destroyed, {done['publications']} publications with them"
    dropped = f"; {done['dropped']} events will not be sent" if done["dropped"] else ""
    return f"{gone}{dropped}\n{new_master.placed_text(done)}\n{STILL_OPENS}\n{too}"


async def _through_daemon(config: Config, act: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """What the door answers; None if no daemon answers."""
    answer = await ask_daemon(config, "keys:write", f"/v1/{act}", msgspec.json.encode(body), timeout_s=PATIENCE_S)
    if answer is None:
        return None
    if answer.status not in DONE:
        raise CommandFailed(f"the daemon refuses ({answer.reason()})")
    found: dict[str, Any] = answer.body
    return found
