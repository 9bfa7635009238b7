"""What stands in the database and waits for somebody: halted topics, parked entries, budgets that are used up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select

from bridge.doctor.findings import Finding, failed, ok, warning
from bridge.doctor.ground import Ground
from bridge.publish import costs
from bridge.publish.budgets import WARN_PERCENT, Bill, Budgets, Scope, day_of, hbar
from bridge.publish.outbox import EntryState
from bridge.room_settings import budgets_of
from bridge.schema import entries, positions, registry
from topics.values import TopicId

HALTED, PARKED, BUDGETS = "topics", "outbox", "budgets"
MAX_NAMED = 5


async def contents(ground: Ground) -> Sequence[Finding]:
    """A line about each; none while there is no database, or one of another version's schema."""
    budgets, today = budgets_of(ground.config), day_of(ground.now_ns())

    def look(connection: Connection) -> list[Finding]:
        return [halted(connection), outbox(connection), spent(connection, budgets, today=today)]

    return await ground.look(look) or []


def halted(connection: Connection) -> Finding:
    """Topics that failed their checks."""
    stopped = select(positions.c.topic_id, positions.c.halted).where(positions.c.halted.is_not(None))
    found = connection.execute(stopped.order_by(positions.c.topic_id)).all()
    count = connection.execute(select(func.count()).select_from(positions)).scalar_one()
    if not found:
        return ok(HALTED, f"{count} read, none halted")
    listed = _some(f"{_campaign(connection, row.topic_id)}: {row.halted}" for row in found)
    hint = "see `hcs-bridge topic show`: a second mirror tells whether the first one lied; nothing of it is relayed now"
    return failed(HALTED, f"{len(found)} of {count} halted: {listed}", hint)


def _campaign(connection: Connection, topic_id: str) -> str:
    known = registry.by_topic(connection, TopicId.parse(topic_id))
    return topic_id if known is None else f"{topic_id} of campaign {known.ref}"


def outbox(connection: Connection) -> Finding:
    """Entries that were refused for what they say."""
    grouped = select(entries.c.state, func.count()).group_by(entries.c.state)
    counts: dict[str, int] = dict(connection.execute(grouped).all())
    waiting = sum(counts.get(state, 0) for state in (EntryState.WAITING, EntryState.FLYING, EntryState.SUBMITTED))
    parked = counts.get(EntryState.PARKED, 0)
    if not parked:
        return ok(PARKED, f"{waiting} under way, none parked")
    last = select(entries.c.ref, entries.c.reason).where(entries.c.state == EntryState.PARKED)
    row = connection.execute(last.order_by(entries.c.id.desc()).limit(1)).one()
    text = f"{parked} parked, the last of campaign {row.ref}: {row.reason}; {waiting} under way"
    return warning(PARKED, text, "see `hcs-bridge outbox list`, then retry or drop them")


def spent(connection: Connection, budgets: Budgets, *, today: str) -> Finding:
    """How much is left. Reserved money counts as spent, as it does for the bridge."""
    if not budgets:
        return ok(BUDGETS, "none are set")
    used = {
        Bill(scope, row.name): row.tinybar + row.reserved_tinybar
        for scope in Scope
        for row in costs.sums(connection, scope)
        if scope is not Scope.DAY or row.name == today
    }
    limited = {bill: (tinybar, limit) for bill, tinybar in used.items() if (limit := budgets.limit(bill))}
    over = [bill for bill, (tinybar, limit) in limited.items() if tinybar >= limit]
    near = [bill for bill, (tinybar, limit) in limited.items() if tinybar * 100 >= limit * WARN_PERCENT]
    listed = _some(f"{bill}: {_left(*limited[bill])}" for bill in over or near or limited)
    if over:
        hint = "what is over its budget waits, and nothing is lost: raise it in [budgets] or http.api_keys, and reload"
        return failed(BUDGETS, f"used up: {listed}", hint)
    if near:
        return warning(BUDGETS, f"{WARN_PERCENT} % and more are used: {listed}", "raise it before submission stops")
    return ok(BUDGETS, listed or "nothing of them is used")


def _left(tinybar: int, limit: int) -> str:
    return f"{hbar(max(0, limit - tinybar))} of {hbar(limit)} HBAR are left"


def _some(texts: Iterable[str]) -> str:
    """The first few."""
    listed = list(texts)
    more = f"; and {len(listed) - MAX_NAMED} more" if len(listed) > MAX_NAMED else ""
    return "; ".join(listed[:MAX_NAMED]) + more
