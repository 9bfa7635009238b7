"""What a mirror's REST interface knows, as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from topics.values import AccountId, TopicId, TopicMessage, TransactionId


class Page(list[TopicMessage]):
    """Messages of one topic, ascending, and the URL of the mirror that showed them: `source` answers for them."""

    def __init__(self, messages: Iterable[TopicMessage], source: str) -> None:
        super().__init__(messages)
        self.source = source


@dataclass(frozen=True, slots=True)
class TransactionOutcome:
    """One entry of the ledger under a transaction id. One id can have several: all but one are duplicates."""

    id: TransactionId
    consensus_ns: int
    result: str
    """Name of ResponseCodeEnum."""
    topic_id: TopicId | None
    """The topic that it made or wrote to; None where it failed before there was one."""
    charged_tinybar: int


@dataclass(frozen=True, slots=True)
class SubmitPage:
    """A page of a payer's submissions. An empty page may have a next one; only `next` tells the end."""

    rows: list[TransactionOutcome]
    next: str | None

    @property
    def more(self) -> bool:
        """Whether there may be another page."""
        return self.next is not None


@dataclass(frozen=True, slots=True)
class MirrorKey:
    """A public key; `kind` is ED25519, ECDSA_SECP256K1 or ProtobufEncoded (lists and thresholds)."""

    kind: str
    public: bytes


@dataclass(frozen=True, slots=True)
class MirrorTopic:
    """A topic's entity; it doesn't tell how many messages there are."""

    topic_id: TopicId
    memo: str
    deleted: bool
    submit_key: MirrorKey | None
    admin_key: MirrorKey | None
    created_ns: int


@dataclass(frozen=True, slots=True)
class MirrorAccount:
    """An account, its balance as of the mirror's last balance stream."""

    account: AccountId
    balance_tinybar: int
    key: MirrorKey | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class MirrorNode:
    """A consensus node of the address book; `certificate_hash` is hex of SHA-384, empty where unknown."""

    node_id: int
    account: AccountId
    addresses: tuple[str, ...]
    certificate_hash: str
