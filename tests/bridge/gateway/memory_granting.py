"""Small, true implementations of what is behind the routes for readers: grants and proofs in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bridge.errors import CampaignRefused, Unavailable
from bridge.gateway.grants import Handed, WrappedEpoch
from bridge.gateway.proof import Proof
from bridge.keys.grants import Asker, Grant
from topics.values import TopicId, TopicMessage

TOPIC = TopicId(0, 0, 7001)


class MemoryGranting:
    """Campaign 1 has one epoch, which its owner, those granted and those whose token names it may have."""

    def __init__(self) -> None:
        self.given: dict[str, Grant] = {}
        self.asked: list[tuple[Asker, bytes]] = []
        self.handed: Mapping[str, int] = Counter(answers=0, keys=0)

    async def keys(self, campaign_id: str, asker: Asker, public_key: bytes) -> Handed | None:
        if not any(public_key):
            raise ValueError("shares no secret")
        self.asked.append((asker, public_key))
        if not (asker.named or asker.sees_all or asker.user_id in self.given):
            return None
        self._known(campaign_id)
        return Handed("devnet", str(TOPIC), [WrappedEpoch("campaign:1", b"kid bytes"[:8], bytes(80))])

    async def grant(self, campaign_id: str, user_id: str, *, from_start: bool, by: str) -> Grant:
        self._known(campaign_id)
        return self.given.setdefault(user_id, Grant(user_id, 1 if from_start else 2, 5, by))

    async def revoke(self, campaign_id: str, user_id: str, *, by: str) -> bool:
        self._known(campaign_id)
        return self.given.pop(user_id, None) is not None

    async def grants(self, campaign_id: str) -> list[Grant]:
        self._known(campaign_id)
        return [*self.given.values()]

    def _known(self, campaign_id: str) -> None:
        if campaign_id != "1":
            raise CampaignRefused(campaign_id, "is not registered", status=404)


class MemoryProofs:
    """Campaign 1 has these messages; without a mirror, nothing."""

    def __init__(self, *messages: TopicMessage) -> None:
        self.messages = messages
        self.asked: list[tuple[int, int]] = []
        self.down = False

    async def read(self, campaign_id: str, first: int, last: int) -> Proof | None:
        if self.down:
            raise Unavailable("the mirror", "it does not answer just now", retry_after_s=2.5)
        self.asked.append((first, last))
        if campaign_id != "1":
            return None
        found = [message for message in self.messages if first <= message.sequence <= last]
        return Proof("devnet", TOPIC, found, {message.sequence: message.running_hash for message in found[-1:]})
