"""What every kind of transaction has to say for itself: its price, its checks, and its work at consensus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from topics.devnet.envelope import Envelope, Refused
from topics.devnet.state import AccountEntity, State, TopicEntity
from topics.fees import Fee
from topics.ledger.hapi import response_code
from topics.values import AccountId, EntityId, TopicMessage

MAX_MEMO_BYTES = 100
AUTO_RENEW_S = range(2_592_000, 8_000_002)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a transaction that succeeded did. `transfers` are its own, without fees."""

    entity: EntityId | None = None
    message: TopicMessage | None = None
    created: AccountEntity | TopicEntity | None = None
    changed: TopicEntity | None = None
    transfers: dict[AccountId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of transaction. `check` and `handle` raise Refused; the state is unchanged then.

    `type` is the mirror's name. `about` names the entity even of a transaction that fails.
    """

    type: str
    fee: Callable[[Envelope], Fee]
    check: Callable[[Envelope], None]
    handle: Callable[[State, Envelope, int], Outcome]
    about: Callable[[Envelope], EntityId | None]


def check_memo(memo: str) -> None:
    """Memos of transactions, topics and accounts alike."""
    if len(memo.encode()) > MAX_MEMO_BYTES:
        raise Refused(response_code.MEMO_TOO_LONG)
    if "\0" in memo:
        raise Refused(response_code.INVALID_ZERO_BYTE_IN_STRING)
