"""What the console is told: the database page by page, and beside it how the running daemon and its remotes are."""

from __future__ import annotations

from importlib.metadata import version

from sqlalchemy import Connection

from bridge.console import campaigns, events
from bridge.console.campaigns import Wanted
from bridge.desk.outbox import Waits
from bridge.protocol.values import JSON
from bridge.publish.budgets import Budgets, Scope
from bridge.storage import Storage
from topics.mirror.mirrors import Mirrors

MAX_DAYS = 31
MAX_KEYS = 100


class Console:
    """Reads, and asks neither mirrors nor nodes (port: bridge.gateway.console_routes.Console).

    `waits` is what the submitter couldn't carry, and the nodes.
    """

    def __init__(self, storage: Storage, mirrors: Mirrors, waits: Waits, budgets: Budgets) -> None:
        self._database = storage.database
        self._network = storage.config.network.name
        self._budgets = budgets
        self._mirrors = mirrors
        self._waits = waits

    async def campaigns(self, *, after: str, search: str, only_halted: bool, limit: int) -> JSON:
        """Campaigns by id."""
        wanted = Wanted(limit, after, search, only_halted)
        return await self._database.read(lambda c: campaigns.page(c, wanted, self._waits.campaigns))

    async def timeline(self, campaign_id: str, *, before: int, limit: int) -> JSON:
        """The campaign, and its events newest first; None if it isn't registered."""
        stopped = self._waits.campaigns

        def read(connection: Connection) -> JSON:
            found = campaigns.one(connection, campaign_id, stopped)
            if found is None:
                return None
            return {"campaign": found} | events.timeline(connection, campaign_id, before=before, limit=limit)

        return await self._database.read(read)

    async def outbox(self, state: str, *, campaign: str, after: tuple[str, int], limit: int) -> JSON:
        """Entries in one state."""
        stopped = self._waits.campaigns
        return await self._database.read(
            lambda c: events.outbox(c, state, campaign=campaign, after=after, limit=limit, stopped=stopped)
        )

    async def costs(self) -> JSON:
        """What the last days and each API key came to, and what they may."""
        days, keys = await self._database.read(
            lambda c: (campaigns.bills(c, Scope.DAY, limit=MAX_DAYS), campaigns.bills(c, Scope.KEY, limit=MAX_KEYS))
        )
        budgets = self._budgets
        limited: list[JSON] = [
            row | {"budgetTinybar": _budget(budgets.keys.get(str(row["name"]), 0))} for row in reversed(keys)
        ]
        return {
            "days": [*reversed(days)],
            "keys": limited,
            "budgets": {"dayTinybar": _budget(budgets.day), "campaignTinybar": _budget(budgets.campaign)},
        }

    async def status(self) -> dict[str, JSON]:
        """Everything in numbers, and how mirrors and nodes were when they were asked last."""
        wanted, failures = self._mirrors.wanted, self._waits.node_failures()
        return {
            "version": version("hcs-bridge"),
            "network": self._network,
            **await self._database.read(campaigns.totals),
            "stopped": len(self._waits.campaigns),
            "mirrors": [
                {"name": fetch.host.name, "state": fetch.host.state.value, "asked": fetch is wanted}
                for fetch in self._mirrors
            ],
            "nodes": [{"account": str(account), "failures": count} for account, count in failures.items()],
        }


def _budget(tinybar: int) -> str | None:
    return str(tinybar) if tinybar else None
