"""Who paid for a message that came by gRPC, which doesn't say.

The running hash covers the payer, so the hash itself tells: the account with which it comes out right is the payer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from topics.errors import Unavailable
from topics.mirror.rest import Mirror
from topics.running_hash import next_running_hash
from topics.values import AccountId, TopicMessage

KEPT_PAYERS = 8
"""Other writers of a topic that are tried before REST is asked."""


class Payers:
    """Of one topic; `own` is our account.

    In this order: the account in the chunk info, which the network makes the payer's; our own; who else wrote here
    lately; and what REST says. If the hash comes out right with none of them, it isn't the payer that is wrong: what
    REST shows takes the message's place then, and is verified like anything else.
    """

    def __init__(self, mirror: Mirror, own: AccountId) -> None:
        self._mirror = mirror
        self._own = own
        self._lately: deque[AccountId] = deque(maxlen=KEPT_PAYERS)

    async def named(self, message: TopicMessage, *, previous: bytes) -> TopicMessage:
        """The message with its payer, or what REST shows instead; `previous` is the running hash before it.

        Raises Unavailable, also while REST doesn't have the message: live ones can be ahead of it; and as Mirror does.
        """
        first = self._own if message.chunk is None else message.chunk.initial.payer
        for payer in (first, *({self._own, *self._lately} - {first})):
            if _fits(message, payer, previous):
                return replace(message, payer=payer)
        shown = await self._mirror.message(message.topic_id, message.sequence)
        if shown is None or shown.payer is None:
            raise Unavailable(
                f"mirror {self._mirror.url}", f"has no message {message.sequence} of {message.topic_id} yet"
            )
        if shown.payer not in self._lately:
            self._lately.append(shown.payer)
        return replace(message, payer=shown.payer) if _fits(message, shown.payer, previous) else shown


def _fits(message: TopicMessage, payer: AccountId, previous: bytes) -> bool:
    computed = next_running_hash(
        previous,
        message.message,
        payer=payer,
        topic_id=message.topic_id,
        consensus_ns=message.consensus_ns,
        sequence=message.sequence,
    )
    return computed == message.running_hash
