"""An operator's desk: retry, drop and close, with everyone told who must know. The daemon's door and the CLI use it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from bridge.doors import Announcer
from bridge.errors import CampaignRefused, ChangeRefused, EntryRefused, Problem
from bridge.log import get_logger
from bridge.protocol.values import JSON
from bridge.publish import closing, mending
from bridge.publish.mending import GIVEN_UP, Hand, Handled
from bridge.publish.outbox import EntryState
from bridge.relay import progress
from bridge.schema import registry
from bridge.settings import SLACK_NS
from bridge.storage import Storage, now_ms
from topics.values import AccountId, TopicId

log = get_logger(__name__)

NS_PER_MS = 1_000_000
MAX_ID_CHARS = 64
"""So much of what was given as an event's id is repeated."""
MAX_TOLD = 1000
"""Of so many campaigns it is told why they wait."""


@dataclass(frozen=True, slots=True)
class Waits:
    """What the submitter could carry nothing of, by campaign with why, and how often each node failed in a row."""

    campaigns: Mapping[str, str]
    node_failures: Callable[[], Mapping[AccountId, int]]


class Desk:
    """Does what operators ask (port: bridge.gateway.admin.Desk).

    `wake` tells the submitter who has work, `revisit` the relay, where one runs, which topic it may read on in.
    """

    def __init__(
        self,
        storage: Storage,
        announcer: Announcer,
        *,
        wake: Callable[[Iterable[str]], None],
        revisit: Callable[[TopicId], None] | None = None,
        waits: Waits | None = None,
    ) -> None:
        self._storage = storage
        self._announcer = announcer
        self._wake = wake
        self._revisit = revisit
        self._waits = Waits({}, dict) if waits is None else waits
        self._max_batch = storage.config.events.max_batch

    async def retry(self, ids: Sequence[str], *, by: str) -> int:
        """These parked events wait again; how many. Raises EntryRefused, CampaignRefused, ChangeRefused (too many)."""
        wanted, hand = self._event_ids(ids), Hand(by, now_ms())
        return await self._readmitted(await self._storage.database.write(lambda c: mending.retry(c, wanted, hand)))

    async def retry_campaign(self, campaign_id: str, *, by: str) -> int:
        """Every parked event of a campaign waits again, the oldest first; how many. Raises CampaignRefused."""
        hand, count, limit = Hand(by, now_ms()), 0, self._max_batch
        while True:
            handled = await self._storage.database.write(
                lambda c: mending.retry_campaign(c, campaign_id, hand, limit=limit)
            )
            count += await self._readmitted(handled)
            if len(handled) < limit:
                break
        self._wake([campaign_id])  # also for what is under way, and was refused half-way
        return count

    async def drop(self, ids: Sequence[str], *, by: str, reason: str = "") -> int:
        """These parked or waiting events are given up; how many. Raises EntryRefused, ChangeRefused (too many)."""
        wanted, hand = self._event_ids(ids), Hand(by, now_ms())
        handled = await self._storage.database.write(lambda c: mending.drop(c, wanted, hand, reason=reason))
        hopeful = [each.entry for each in handled if each.state is EntryState.WAITING]  # parked ones were told before
        await self._announcer.reject(hopeful, f"{GIVEN_UP}: {reason}" if reason else GIVEN_UP)
        return len(handled)

    def waits(self) -> dict[str, JSON]:
        """Why nothing leaves, as far as a running submitter knows: `nodes`, if none answers, and by campaign.

        `stopped` counts them; at most MAX_TOLD are told.
        """
        failures, campaigns = self._waits.node_failures(), self._waits.campaigns
        none_answers = bool(failures) and all(failures.values())
        return {
            "nodes": f"none of the {len(failures)} nodes answers" if none_answers else None,
            "stopped": len(campaigns),
            "campaigns": dict(islice(campaigns.items(), MAX_TOLD)),
        }

    async def close(self, campaign_id: str, *, by: str) -> None:
        """The campaign takes no more events, and its final message is on its way. Raises CampaignRefused."""
        at_rest, at_ms = self._storage.at_rest, now_ms()
        await self._storage.database.write(lambda c: closing.intend(c, campaign_id, at_rest, api_key=by, now_ms=at_ms))
        self._wake([campaign_id])

    async def resume(self, campaign_id: str, *, by: str) -> str | None:
        """The relay reads on in the campaign's halted topic; why it was halted, None if it isn't.

        Raises CampaignRefused (404).
        """
        found = await self._storage.database.read(lambda c: registry.find(c, campaign_id))
        topic_id = None if found is None else found.topic_id
        if found is None or topic_id is None:
            raise CampaignRefused(campaign_id, "has no topic", status=404, hint="see `hcs-bridge topic list`")
        since_ns = found.registered_ms * NS_PER_MS - SLACK_NS
        reason = await self._storage.database.write(lambda c: progress.resume(c, topic_id, since_ns=since_ns))
        if reason is not None and self._revisit is not None:
            log.warning("topic resumed", topic=str(topic_id), by=by, halted=reason)
            self._revisit(topic_id)
        return reason

    async def _readmitted(self, handled: Sequence[Handled]) -> int:
        await self._announcer.readmit(handled)
        self._wake({each.ref for each in handled})
        return len(handled)

    def _event_ids(self, ids: Sequence[str]) -> list[bytes]:
        if len(ids) > self._max_batch:
            rule = f"at most {self._max_batch} at a time (events.max_batch)"
            raise ChangeRefused([Problem(self._max_batch, "ids", "array", rule)], status=413)
        return [_event_id(text) for text in ids]


def _event_id(text: str) -> bytes:
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        raise EntryRefused(repr(text[:MAX_ID_CHARS]), "is not known: an id is a UUID", status=404) from None
