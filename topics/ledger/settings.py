"""How patient the ledger's client is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """The names are those of the `[ledger]` section; the defaults suit the public networks."""

    request_timeout_s: float = 10.0
    max_attempts: int = 8
    backoff_initial_s: float = 0.25
    backoff_max_s: float = 8.0
    receipt_poll_s: float = 0.5
    receipt_grace_s: float = 6.0
    """How long the nodes may all say "not found" before that is believed: consensus takes 3 to 5 s."""
    receipt_timeout_s: float = 30.0
    """How long one call waits for consensus."""
    max_connections: int = 8
    """At most so many nodes, the first of the list, are used."""
    max_query_fee_tinybar: int = 10_000_000
    """A query that a node prices higher is not paid."""
