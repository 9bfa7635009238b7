"""An operator's work with the database alone, for when no daemon runs that could be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.config import Config
from bridge.desk.granting import Granting
from bridge.desk.outbox import Desk
from bridge.doors import Announcer
from bridge.fanout import only_here
from bridge.gateway.hub import Hub
from bridge.offline import TopicView, campaign_view, carrying
from bridge.publish import closing
from bridge.publish.costs import NOBODY
from bridge.storage import Storage, opened
from bridge.supervise import supervised


@asynccontextmanager
async def desk_alone(config: Config) -> AsyncIterator[Desk]:
    """The desk over a database that this process takes, its writer going. Raises DatabaseHeld (a daemon runs)."""
    async with opened(config, alone=True) as storage, supervised({"database": storage.database.run}):
        yield _desk(storage)


async def close_topic(config: Config, campaign_id: str) -> TopicView:
    """Close the campaign here: what waits goes out, then its final message.

    Raises CampaignRefused (unknown), DatabaseHeld, Unavailable, Rejected, BudgetSpent; the intent is on disk first,
    and repeating goes on with it.
    """
    async with opened(config, alone=True) as storage:
        async with supervised({"database": storage.database.run}):
            await _desk(storage).close(campaign_id, by=NOBODY)
        async with carrying(storage) as rooms:
            while await rooms.carrier.advance(campaign_id):
                pass
            await storage.database.write(lambda c: closing.landed(c, campaign_id))
        view = await storage.database.read(lambda c: campaign_view(c, campaign_id))
    if view is None:
        raise RuntimeError("a campaign that was told to close is not there")
    return view


@asynccontextmanager
async def granting_alone(config: Config) -> AsyncIterator[Granting]:
    """The same for who may have keys."""
    async with opened(config, alone=True) as storage, supervised({"database": storage.database.run}):
        yield Granting(storage, wake=lambda _refs: None)


def _desk(storage: Storage) -> Desk:
    """Nobody is subscribed here, and no submitter goes: the next start tells and sends."""
    return Desk(storage, Announcer(storage, only_here(Hub())), wake=lambda _refs: None)
