"""Brings a network back to where its journal ends."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import cast

from topics.devnet.envelope import Refused, name_of, open_envelope
from topics.devnet.journal import Begun, Entry, JournalDamaged, Opened, Ran, Started, Taken
from topics.devnet.network import Network
from topics.fees import ExchangeRate
from topics.ledger.hapi import basic_types, response_code, transaction
from topics.values import AccountId


def replay(network: Network, entries: Iterable[Entry], path: Path) -> None:
    """Let everything happen again, in the order in which it did. Raises JournalDamaged.

    What was taken and hadn't reached consensus waits for it again.
    """
    for entry in entries:
        match entry:
            case Taken():
                _take(network, entry, path)
            case Ran():
                _run(network, entry, path)
            case Opened():
                key = basic_types.Key.FromString(entry.key)
                network.open_account(key, balance=entry.balance, now_ns=entry.now_ns)
            case Started():
                network.state.rate = ExchangeRate(entry.hbar_equivalent, entry.cent_equivalent)
            case Begun():
                raise JournalDamaged(path, "it begins twice")


def _take(network: Network, entry: Taken, path: Path) -> None:
    try:
        envelope = open_envelope(transaction.Transaction.FromString(entry.transaction))
    except Refused as error:
        raise JournalDamaged(path, f"a transaction that was taken is now refused with {error}") from error
    network.wait(AccountId(0, 0, entry.node), envelope, due_ns=entry.due_ns, busy=entry.busy)


def _run(network: Network, entry: Ran, path: Path) -> None:
    waiting = network.next_waiting()
    if waiting is None:
        raise JournalDamaged(path, "a transaction ran that nobody took")
    if entry.status == response_code.SUCCESS:
        # Verifying signatures is most of the work, and it was done.
        waiting.signatures.trust()
    record = network.settle(entry.consensus_ns, cast("response_code.ResponseCodeEnum", entry.verdict))
    if record.status != entry.status:
        raise JournalDamaged(path, f"transaction {record.id} now ends with {name_of(record.status)}")
