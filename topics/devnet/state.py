"""What the ledger holds between two transactions: accounts, topics, and the number that the next of them gets."""

from __future__ import annotations

from dataclasses import dataclass

from topics.devnet.envelope import Refused
from topics.fees import ExchangeRate
from topics.ledger.hapi import basic_types, response_code
from topics.values import NANOS, START, AccountId, Position, TopicId

SUPPLY_TINYBAR = 50_000_000_000 * 100_000_000
TREASURY = AccountId(0, 0, 2)
NODES = (AccountId(0, 0, 3), AccountId(0, 0, 4))
FEE_COLLECTION = AccountId(0, 0, 98)
OPERATOR = AccountId(0, 0, 1001)
DEFAULT_AUTO_RENEW_S = 7_776_000


@dataclass(frozen=True, slots=True)
class AccountEntity:
    """What is fixed about an account. `key` None: nobody can sign for it."""

    id: AccountId
    key: basic_types.Key | None
    created_ns: int
    memo: str = ""
    auto_renew_s: int = DEFAULT_AUTO_RENEW_S


@dataclass(frozen=True, slots=True)
class TopicEntity:
    """What is fixed about a topic; an update puts another in its place.

    `expires_s` None: one renewal period after its creation. `changed_ns` is its last update, or its end.
    """

    id: TopicId
    memo: str
    admin_key: basic_types.Key | None
    submit_key: basic_types.Key | None
    auto_renew_s: int
    auto_renew_account: AccountId | None
    created_ns: int
    expires_s: int | None = None
    changed_ns: int | None = None
    deleted: bool = False

    @property
    def expiry_ns(self) -> int:
        """When its time is over; nothing happens then, as the real network's renewal is not in force either."""
        return self.created_ns + self.auto_renew_s * NANOS if self.expires_s is None else self.expires_s * NANOS


@dataclass(slots=True)
class Account:
    """An account and its tinybar."""

    entity: AccountEntity
    balance: int


@dataclass(slots=True)
class Topic:
    """A topic and the place behind its last message."""

    entity: TopicEntity
    position: Position = START


class State:
    """Accounts and topics by id. Changed by transactions at consensus only."""

    def __init__(self, *, rate: ExchangeRate, genesis_ns: int) -> None:
        self.rate = rate
        self.genesis_ns = genesis_ns
        self.accounts: dict[AccountId, Account] = {}
        self.topics: dict[TopicId, Topic] = {}
        self._next_num = OPERATOR.num
        for account_id in (TREASURY, *NODES, FEE_COLLECTION):
            self.accounts[account_id] = Account(AccountEntity(account_id, None, genesis_ns), 0)
        self.accounts[TREASURY].balance = SUPPLY_TINYBAR

    def next_num(self) -> int:
        """The number of the next entity, accounts and topics counted together."""
        num = self._next_num
        self._next_num += 1
        return num

    def account(self, account_id: AccountId | None, *, otherwise: response_code.ResponseCodeEnum) -> Account:
        """The account, or Refused(otherwise)."""
        account = self.accounts.get(account_id) if account_id is not None else None
        if account is None:
            raise Refused(otherwise)
        return account

    def topic(self, topic_id: TopicId) -> Topic:
        """The topic, or Refused(INVALID_TOPIC_ID), if it was deleted, too."""
        topic = self.topics.get(topic_id)
        if topic is None or topic.entity.deleted:
            raise Refused(response_code.INVALID_TOPIC_ID)
        return topic

    def open_account(self, key: basic_types.Key, *, balance: int, now_ns: int, memo: str = "") -> Account:
        """Add an account, its tinybar taken from the treasury."""
        account = Account(AccountEntity(AccountId(0, 0, self.next_num()), key, now_ns, memo), 0)
        self.accounts[account.entity.id] = account
        self.move({TREASURY: -balance, account.entity.id: balance})
        return account

    def move(self, amounts: dict[AccountId, int]) -> None:
        """Add to each account's balance. The amounts sum up to nought."""
        for account_id, amount in amounts.items():
            self.accounts[account_id].balance += amount
