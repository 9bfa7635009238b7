"""What `hcs-bridge keys list` shows: whose keys there are, never one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from bridge.config import Config
from bridge.errors import KeysRefused
from bridge.keys.ring import campaign_owner, user_owner
from bridge.keys.taking_over import kept
from bridge.storage import now_ms, opened

DAY_MS = 86_400_000


async def listed(config: Config, of: tuple[str, str] | None = None) -> list[dict[str, Any]]:
    """Each epoch by owner and number; `of` one campaign or user, (`campaign` or `user`, its id), where one is named.

    Reads only, beside the daemon. Raises KeysRefused where that one has none.
    """
    owner = None if of is None else {"campaign": campaign_owner, "user": user_owner}[of[0]](of[1])
    async with opened(config, alone=False) as storage:
        found = await storage.database.read(lambda c: kept(c, owner))
    if of is not None and not found:
        raise KeysRefused(f"{' '.join(of)} has no keys here", status=404, hint="see `hcs-bridge keys list`")
    newest = {each.owner: each.number for each in found}
    return [
        {
            "owner": each.owner,
            "epoch": each.number,
            "kid": each.kid.hex(),
            "age_days": round((now_ms() - each.created_ms) / DAY_MS, 1),
            "in_force": each.number == newest[each.owner],
            "since_frame": each.since,
            "by": each.made_by or "",
        }
        for each in found
    ]


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Keys, one a line."""
    result = Table(box=None, pad_edge=False)
    for name in ("owner", "epoch", "kid", "age (days)", "in force", "since frame", "by"):
        result.add_column(name, no_wrap=True)
    for row in rows:
        told = {**row, "in_force": "yes" if row["in_force"] else ""}
        result.add_row(*(str(value) for value in told.values()))
    return result
