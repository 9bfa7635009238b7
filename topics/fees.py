"""What transactions cost: the published prices as exact integers, in tinycents, and the way from there to tinybar."""

from __future__ import annotations

from dataclasses import dataclass

TINYCENTS_PER_CENT = 100_000_000
TINYCENTS_PER_USD = 100 * TINYCENTS_PER_CENT
TINYBAR_PER_HBAR = 100_000_000

# Simple fees, in force on mainnet since 2026-05-20. The node's share is a tenth of what node and network take together.
NODE_AND_NETWORK = 1_000_000
SIGNATURE_OVER_ONE = 1_000_000
BYTE_OVER_INCLUDED = 100_000
INCLUDED_TRANSACTION_BYTES = 1350
SUBMIT = 700_000
MESSAGE_BYTE_OVER_INCLUDED = 6_800
INCLUDED_MESSAGE_BYTES = 100
CREATE_TOPIC = 100_000_000 - NODE_AND_NETWORK
KEY = 100_000_000
CREATE_ACCOUNT = 500_000_000 - NODE_AND_NETWORK
QUERY = 1_000_000
"""One paid query. Free are receipts and balances."""


@dataclass(frozen=True, slots=True)
class Fee:
    """Tinycents, by who gets them. A transaction that fails its due checks pays node and network only."""

    node: int
    network: int
    service: int

    @property
    def total(self) -> int:
        """All three together, in tinycents."""
        return self.node + self.network + self.service

    def without_service(self) -> Fee:
        """What a duplicate costs."""
        return Fee(self.node, self.network, 0)


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """So many HBAR are worth so many cents (proto: exchange_rate.proto)."""

    hbar_equivalent: int
    cent_equivalent: int

    def tinybar(self, tinycents: int) -> int:
        """Tinycents → tinybar, rounded down as the network does."""
        return tinycents * self.hbar_equivalent // self.cent_equivalent

    def tinycents(self, tinybar: int) -> int:
        """Tinybar → tinycents, rounded down."""
        return tinybar * self.cent_equivalent // self.hbar_equivalent


def submit_fee(*, message_bytes: int, signatures: int = 1, transaction_bytes: int = 0) -> Fee:
    """One submitMessage, so one chunk. `transaction_bytes` is the whole serialised transaction."""
    service = SUBMIT + MESSAGE_BYTE_OVER_INCLUDED * max(0, message_bytes - INCLUDED_MESSAGE_BYTES)
    return _fee(service, signatures, transaction_bytes)


def create_topic_fee(*, keys: int, signatures: int = 1, transaction_bytes: int = 0) -> Fee:
    """One createTopic with so many keys (admin, submit) set."""
    return _fee(CREATE_TOPIC + KEY * keys, signatures, transaction_bytes)


def create_account_fee(*, signatures: int = 1, transaction_bytes: int = 0) -> Fee:
    """One cryptoCreate."""
    return _fee(CREATE_ACCOUNT, signatures, transaction_bytes)


def transfer_fee(*, signatures: int = 1, transaction_bytes: int = 0) -> Fee:
    """One transfer of HBAR between accounts."""
    return _fee(0, signatures, transaction_bytes)


def _fee(service: int, signatures: int, transaction_bytes: int) -> Fee:
    both = (
        NODE_AND_NETWORK
        + SIGNATURE_OVER_ONE * max(0, signatures - 1)
        + BYTE_OVER_INCLUDED * max(0, transaction_bytes - INCLUDED_TRANSACTION_BYTES)
    )
    node = both // 10
    return Fee(node, both - node, service)
