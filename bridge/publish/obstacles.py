"""What stands in the way of campaigns, as far as the disk knows: topic, last refusal, halt. Reads only.

One set of statements for all campaigns, over the caller's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import BindParameter, Connection, bindparam, select, text

from bridge.publish.id_records import TransactionState
from bridge.schema import flights, positions, registry, topics, transactions
from bridge.statements import sliced
from topics.registry import Registration, TopicState

TRIED_AGAIN = ("NEVER_RAN", "INVALID_TRANSACTION_START")
"""Why ids are spent that stand in nobody's way: the next one goes by itself."""

_AMONG: BindParameter[Sequence[str]] = bindparam("refs", expanding=True)
_HALTS = (
    select(topics.c.ref, positions.c.halted)
    .join(positions, positions.c.topic_id == topics.c.topic_id)
    .where(topics.c.ref.in_(_AMONG), positions.c.halted.is_not(None))
)
_SPENT_CREATIONS = (
    select(transactions.c.ref, transactions.c.status)
    .where(
        transactions.c.ref.in_(_AMONG),
        transactions.c.flight_id.is_(None),
        transactions.c.state == TransactionState.SPENT,
        transactions.c.status.not_in(TRIED_AGAIN),
    )
    .order_by(transactions.c.valid_start_ns)
)
_OPEN_CHUNKS = (
    select(flights.c.ref, transactions.c.number, transactions.c.total, transactions.c.state, transactions.c.status)
    .join(transactions, transactions.c.flight_id == flights.c.id)
    .where(flights.c.ref.in_(_AMONG), text("flights.state = 'open'"))  # in the words of the index
    .order_by(transactions.c.valid_start_ns)
)


def obstacles(connection: Connection, refs: Sequence[str]) -> dict[str, list[str]]:
    """What there is of each campaign, in the order of `refs`; nothing of one that isn't registered."""
    found: dict[str, list[str]] = {}
    for some in sliced(refs):
        known = registry.find_all(connection, some)
        halts = {ref: f"reading is halted: {why}" for ref, why in connection.execute(_HALTS, {"refs": some})}
        refused = _refused_creations(connection, known) | _refused_chunks(connection, some)
        for ref in some:
            told = [refused.get(ref), halts.get(ref)] if ref in known else []
            if ref in known and not (known[ref].state is TopicState.READY and known[ref].takes_events):
                told.insert(0, f"its topic is {known[ref].status}")
            found[ref] = [each for each in told if each is not None]
    return found


def _refused_creations(connection: Connection, known: dict[str, Registration]) -> dict[str, str]:
    """The last refusal of each topic that isn't there yet."""
    without = [ref for ref, each in known.items() if each.topic_id is None]
    spent = connection.execute(_SPENT_CREATIONS, {"refs": without})  # the newest last
    return {ref: f"submission: the network refused the last try with {status}" for ref, status in spent}


def _refused_chunks(connection: Connection, refs: Sequence[str]) -> dict[str, str]:
    """The last refusal of each flight that is open, unless that chunk has landed since."""
    refused: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    landed: defaultdict[str, list[int]] = defaultdict(list)
    totals: dict[str, int] = {}
    for ref, number, totals[ref], state, status in connection.execute(_OPEN_CHUNKS, {"refs": refs}):
        if state == TransactionState.SETTLED:
            landed[ref].append(number)
        elif state == TransactionState.SPENT and status not in TRIED_AGAIN:
            refused[ref].append((number, status))
    found: dict[str, str] = {}
    for ref, tries in refused.items():
        if left := [status for number, status in tries if number not in landed[ref]]:
            found[ref] = f"submission: the network refused the last try with {left[-1]}"
            if landed[ref]:
                found[ref] += f"; {len(landed[ref])} of {totals[ref]} chunks are on the ledger"
    return found
