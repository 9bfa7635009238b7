"""Looks for a transaction id among a payer's transactions in a way that can also prove that it isn't there.

What stands behind one address may be several replicas, each with everything up to some moment and nothing behind it.
So the only place where an id is missing *for good* is between two rows of one answer: before a row that a replica has
imported there is nothing that it has yet to import. A page that is empty, or ends too early, proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from topics.mirror.answers import SubmitPage, TransactionOutcome
from topics.values import AccountId, TransactionId

MAX_PAGES = 5_000
"""Half a million transactions of one payer between valid start and window end: more than the network takes."""


class PayerHistory(Protocol):
    """The payer's transactions as a mirror lists them."""

    async def history(self, payer: AccountId, *, from_ns: int) -> SubmitPage:
        """One page of every transaction of `payer`, of whatever type, from `from_ns` on, ascending by consensus."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was found under the id. `absent`: it was looked for everywhere, and can't come any more."""

    outcomes: tuple[TransactionOutcome, ...]
    absent: bool


async def seek(mirror: PayerHistory, wanted: TransactionId, *, past_ns: int) -> Sighting:
    """Read the payer's transactions from the id's valid start (it can't have run earlier) until behind `past_ns`.

    Each page goes on from the last row of the one before, not from where the mirror's link would lead: so the pages
    cover the time without a gap even if different replicas give them. Absent counts only once a transaction of the
    payer's own behind `past_ns` has been seen. Raises as the mirror does.
    """
    found: list[TransactionOutcome] = []
    from_ns = wanted.valid_start_ns
    for _ in range(MAX_PAGES):
        page = await mirror.history(wanted.payer, from_ns=from_ns)
        for row in page.rows:
            if row.consensus_ns < from_ns:  # out of order: what it leaves out can't be told
                return Sighting(tuple(found), absent=False)
            from_ns = row.consensus_ns + 1
            if row.id == wanted:
                found.append(row)
            elif row.consensus_ns > past_ns and row.id.payer == wanted.payer:
                return Sighting(tuple(found), absent=not found)
        if not page.rows or not page.more:
            break
    return Sighting(tuple(found), absent=False)
