"""The mirror's lists: which rows are asked for, and where the rest can be had."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import islice
from urllib.parse import urlencode

from topics.devnet.mirror_index import Timeline
from topics.devnet.mirror_parameters import Parameters, Span, invalid
from topics.devnet.mirror_rows import Row, message_row, succeeded, transaction_row
from topics.devnet.mirror_view import MirrorView
from topics.devnet.record import Record
from topics.values import AccountId, TopicId, format_timestamp

MESSAGE_PARAMETERS = ("sequencenumber", "timestamp", "limit", "order", "encoding")
TRANSACTION_PARAMETERS = ("account.id", "limit", "order", "result", "timestamp", "transactiontype", "type")
ACCOUNT_PARAMETERS = ("limit", "order", "timestamp", "transactions", "transactiontype")
TYPES = {
    "CONSENSUSCREATETOPIC",
    "CONSENSUSDELETETOPIC",
    "CONSENSUSSUBMITMESSAGE",
    "CONSENSUSUPDATETOPIC",
    "CRYPTOCREATEACCOUNT",
    "CRYPTOTRANSFER",
}


def messages_page(view: MirrorView, path: str, topic_id: TopicId, query_string: str) -> Row:
    """`/topics/{id}/messages`. An unknown topic has an empty list, like one without messages."""
    asked = Parameters(query_string, MESSAGE_PARAMETERS)
    asked.one("encoding", among=("base64", "utf-8"), default="base64")
    limit, descending = asked.limit, asked.descending(default="asc")
    numbers, times = asked.sequence_numbers(), asked.timestamps()
    topic = view.topic(topic_id)
    if topic is None:
        return {"messages": [], "links": {"next": None}}
    by_time = topic.messages.indices(times.low, times.high)
    indices = range(max(by_time.start, numbers.low - 1), min(by_time.stop, numbers.high))
    rows = list(islice(topic.messages.walk(indices, descending=descending), limit))
    # Whether there is more isn't looked at: a full page links on.
    last_ns = rows[-1].consensus_ns if len(rows) == limit else None
    return {
        "messages": [message_row(row) for row in view.tell(rows)],
        "links": {"next": next_link(path, asked, last_ns, descending=descending)},
    }


def transactions_page(
    view: MirrorView, path: str, query_string: str, *, max_range_ns: int, payer: AccountId | None = None
) -> Row:
    """`/transactions`, or with `payer` the list in `/accounts/{id}`.

    It looks at a limited time only, so that even an empty page may link on.
    """
    asked = Parameters(query_string, TRANSACTION_PARAMETERS if payer is None else ACCOUNT_PARAMETERS)
    limit, descending = asked.limit, asked.descending(default="desc")
    result = asked.one("result", among=("success", "fail"), default="")
    asked.one("type", among=("credit", "debit"), default="")
    timelines = _timelines(view, asked.accounts("account.id") if payer is None else [payer], _types(asked))
    span, rest_ns = _bound(view, asked.timestamps(), max_range_ns, descending=descending)
    rows = list(islice(_merged(timelines, span, result, descending=descending), limit))
    last_ns = rows[-1].consensus_ns if len(rows) == limit else rest_ns
    return {
        "transactions": [transaction_row(row) for row in rows],
        "links": {"next": next_link(path, asked, last_ns, descending=descending)},
    }


def next_link(path: str, asked: Parameters, last_ns: int | None, *, descending: bool) -> str | None:
    """The same request from behind `last_ns` on; relative, as the mirror gives it."""
    if last_ns is None:
        return None
    replaced = ("lt:", "lte:") if descending else ("gt:", "gte:")
    kept = [(name, value) for name, value in asked.pairs if not (name == "timestamp" and value.startswith(replaced))]
    behind = ("timestamp", f"{'lt' if descending else 'gt'}:{format_timestamp(last_ns)}")
    return f"{path}?{urlencode([*kept, behind], safe=':')}"


def _types(asked: Parameters) -> Collection[str]:
    types = [value.upper() for value in asked.many("transactiontype")]
    if not TYPES.issuperset(types):
        raise invalid("transactiontype")
    return dict.fromkeys(types)


def _timelines(view: MirrorView, payers: Collection[AccountId], types: Collection[str]) -> list[Timeline[Record]]:
    return [view.transactions(payer, type_) for payer in dict.fromkeys(payers) or (None,) for type_ in types or (None,)]


def _bound(view: MirrorView, span: Span, max_range_ns: int, *, descending: bool) -> tuple[Span, int | None]:
    """The time to look at, and the end of it if the caller asked for more."""
    low = span.low if span.closed_low else view.transactions().first_ns() or 0
    high = min(span.high, view.fresh_ns)
    if high - low < max_range_ns:
        return span, None
    if descending:
        low = high - max_range_ns + 1
        return replace(span, low=low), low
    high = low + max_range_ns - 1
    return replace(span, high=high), high


def _merged(timelines: list[Timeline[Record]], span: Span, result: str, *, descending: bool) -> Iterator[Record]:
    walks = [each.walk(each.indices(span.low, span.high), descending=descending) for each in timelines]
    merged = walks[0] if len(walks) == 1 else heapq.merge(*walks, key=lambda row: row.consensus_ns, reverse=descending)
    return (row for row in merged if not result or succeeded(row) == (result == "success"))
