"""What `hcs-bridge outbox list` and `show` show: from the database, also beside a running daemon."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from bridge.commands.addresses import http_url
from bridge.commands.door import ask_daemon
from bridge.commands.exits import CommandFailed
from bridge.config import Config
from bridge.errors import CampaignRefused, ConfigInvalid
from bridge.protocol.envelope import iso_time
from bridge.protocol.values import Event
from bridge.publish import costs, survey
from bridge.publish.bodies import open_element
from bridge.publish.budgets import WARN_PERCENT, Bill, Budgets, Scope, day_of, hbar, usd
from bridge.publish.outbox import EntryState
from bridge.publish.survey import UNFINISHED, Kept, Sent, Story
from bridge.room_settings import budgets_of
from bridge.schema import registry
from bridge.storage import now_ms, opened
from topics.values import format_timestamp

PATIENCE_S = 5.0
"""How long the daemon has to say what it knows."""
MAX_REASONS = 3


async def listing(config: Config, *, campaign: str | None, state: str | None, limit: int) -> dict[str, Any]:
    """`campaigns`: counts and ages by state, and what is in the way; `entries`: the oldest, at most `limit`.

    `nothing_leaves` says why, if nothing does; None if something may. Raises CampaignRefused for an unknown campaign.
    """
    states = UNFINISHED if state is None else (EntryState(state),)
    at_ms = now_ms()
    async with opened(config, alone=False) as storage:
        if campaign is not None and await storage.database.read(lambda c: registry.find(c, campaign)) is None:
            raise CampaignRefused(campaign, "is not registered", status=404, hint="see `hcs-bridge topic list`")
        seen = await storage.database.read(lambda c: survey.overview(c, ref=campaign, states=states, limit=limit))
        bills = [Bill(Scope.DAY, day_of(at_ms * 1_000_000)), *(Bill(Scope.CAMPAIGN, ref) for ref in seen.obstacles)]
        committed = await storage.database.read(lambda c: costs.committed(c, bills))
    campaigns: dict[str, dict[str, Any]] = {}
    for tally in seen.tallies:
        row = campaigns.setdefault(tally.ref, {"campaign": tally.ref})
        row[tally.state] = {"count": tally.count, "oldest_age_s": _age_s(tally.oldest_ms, at_ms)}
    waits = await waits_of(config)
    for ref, row in campaigns.items():
        theirs = [bill for bill in bills if bill.scope is Scope.DAY or bill.name == ref]
        told = [waits.campaigns[ref]] if ref in waits.campaigns else []
        row["in_the_way"] = [*seen.obstacles[ref], *told, *_nearly_spent(budgets_of(config), theirs, committed)]
    return {
        "nothing_leaves": nothing_leaves(list(campaigns.values()), waits),
        "campaigns": list(campaigns.values()),
        "entries": [_entry(each, at_ms) for each in seen.entries],
    }


async def story(config: Config, event_id: str) -> dict[str, Any] | None:
    """All about one event but what it says; None for an id that was never given."""
    try:
        wanted = uuid.UUID(event_id).bytes
    except ValueError:
        return None
    async with opened(config, alone=False) as storage:
        found = await storage.database.read(lambda c: survey.story(c, wanted))
        if found is None:
            return None
        says = open_element(storage.at_rest, wanted, found.body) if found.body else None  # empty: shredded
    return _told(found, type_=says.type if isinstance(says, Event) else found.entry.kind)


@dataclass(frozen=True, slots=True)
class Waits:
    """Why nothing leaves at all, or nothing of these campaigns, as the daemon says; `stopped` counts all of them."""

    everything: str | None = None
    campaigns: Mapping[str, str] = field(default_factory=dict)
    stopped: int = 0


async def waits_of(config: Config) -> Waits:
    """What the running daemon knows and the disk doesn't."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = await ask_daemon(config, "campaigns:read", "/v1/outbox")
    except TimeoutError:
        return Waits(f"the daemon at {http_url(config)} doesn't answer within {PATIENCE_S:g} s: see its log")
    except (CommandFailed, ConfigInvalid):
        return Waits()  # no key that it would tell it to: what the disk knows must do
    if answer is None:
        return Waits(f"no daemon answers at {http_url(config)}: start `hcs-bridge serve`")
    return Waits(answer.body.get("nodes"), answer.body.get("campaigns", {}), answer.body.get("stopped", 0))


def nothing_leaves(campaigns: Sequence[Mapping[str, Any]], waits: Waits) -> str | None:
    """Why not, if nothing of these campaigns does; None if something may, or there is nothing to leave."""
    leaving = [row["campaign"] for row in campaigns if "waiting" in row or "flying" in row]
    if not leaving:
        return "what is here is parked; retry it or drop it" if any("parked" in row for row in campaigns) else None
    if waits.everything is not None:
        return waits.everything
    told = [waits.campaigns[ref] for ref in leaving if ref in waits.campaigns]
    if len(leaving) - len(told) > waits.stopped - len(waits.campaigns):  # more than those that aren't told of
        return None
    return "; ".join(list(dict.fromkeys(told))[:MAX_REASONS])


def tables(view: Mapping[str, Any]) -> Iterator[Table]:
    """Why nothing leaves, if nothing does, the campaigns, and below them the entries."""
    if view["nothing_leaves"] is not None:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_row(f"nothing leaves: {view['nothing_leaves']}\n")
        yield table
    states = [state.value for state in EntryState if any(state in row for row in view["campaigns"])]
    table = _table("campaign", *states, "oldest", "in the way")
    for row in view["campaigns"]:
        counts = [str(row[state]["count"]) if state in row else "" for state in states]
        oldest = max(row[state]["oldest_age_s"] for state in states if state in row)
        table.add_row(row["campaign"], *counts, _span(oldest), "; ".join(row["in_the_way"]))
    yield table
    table = _table("\nevent", "\ncampaign", "\nstate", "\nage", "\nreason")
    for row in view["entries"]:
        told = row["reason"] or ("its final message" if row["kind"] != "event" else "")
        table.add_row(row["event"], row["campaign"], row["state"], _span(row["age_s"]), told)
    yield table


def story_tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """What is known, a line each, and below it the transactions."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in found.items():
        if name != "transactions" and value is not None:
            table.add_row(name, str(value))
    yield table
    if found["transactions"]:
        table = _table("\ntransaction", "\nchunk", "\nstate", "\nstatus")
        for sent in found["transactions"]:
            table.add_row(sent["id"], sent["chunk"], sent["state"], sent["status"] or "")
        yield table


def _told(found: Story, *, type_: str) -> dict[str, Any]:
    entry, flight, cost = found.entry, found.flight, found.cost
    return {
        "event": str(uuid.UUID(bytes=entry.event_id)),
        "campaign": entry.ref,
        "channel": entry.channel,
        "type": type_,
        "state": entry.state.value,
        "reason": entry.reason,
        "accepted_at": iso_time(entry.accepted_ms),
        "api_key": found.api_key,
        "bytes": found.size,
        "handled_by": entry.handled_by,
        "handled_at": None if entry.handled_ms is None else iso_time(entry.handled_ms),
        "topic_id": found.topic_id,
        "sequence": found.sequence,
        "consensus_timestamp": None if found.consensus_ns is None else format_timestamp(found.consensus_ns),
        "flight": None if flight is None else flight.number,
        "flight_state": None if flight is None else flight.state,
        "flight_at": None if flight is None else iso_time(flight.opened_ms),
        "producer_sequence": None if flight is None else flight.producer_sequence,
        "index": None if flight is None else flight.index,
        "cost_hbar": None if cost is None else hbar(cost.tinybar),
        "cost_usd": None if cost is None else usd(cost.tinycents),
        "transactions": [] if flight is None else [_sent(each) for each in flight.transactions],
    }


def _sent(sent: Sent) -> dict[str, Any]:
    return {
        "id": str(sent.id),
        "chunk": f"{sent.number} of {sent.total}",
        "state": sent.state,
        "status": sent.status,
        "sequence": sent.sequence,
        "fee_tinybar": sent.fee_tinybar,
    }


def _entry(kept: Kept, at_ms: int) -> dict[str, Any]:
    return {
        "event": str(uuid.UUID(bytes=kept.event_id)),
        "campaign": kept.ref,
        "channel": kept.channel,
        "kind": kept.kind,
        "state": kept.state.value,
        "accepted_at": iso_time(kept.accepted_ms),
        "age_s": _age_s(kept.accepted_ms, at_ms),
        "reason": kept.reason,
    }


def _nearly_spent(budgets: Budgets, bills: Sequence[Bill], committed: Mapping[Bill, int]) -> Iterator[str]:
    """Budgets that may be in the way; whether the next step still fits is the daemon's to tell."""
    for bill in bills:
        limit = budgets.limit(bill)
        if limit and committed.get(bill, 0) * 100 >= limit * WARN_PERCENT:
            yield f"{bill}: {hbar(committed[bill])} of {hbar(limit)} HBAR are spent or reserved"


def _age_s(since_ms: int, at_ms: int) -> float:
    return max(0, at_ms - since_ms) / 1000


def _span(seconds: float) -> str:
    """An age for people: 12 s, 5 min, 3 h, 2 d."""
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _table(*names: str) -> Table:
    result = Table(box=None, pad_edge=False)
    for name in names:
        result.add_column(name, no_wrap=name.strip() not in {"reason", "in the way"}, overflow="fold")
    return result
