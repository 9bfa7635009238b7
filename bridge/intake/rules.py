"""What a rule of `[[ingest.postgres.tables]]` asks of the event that it makes, and of the tables that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from bridge.config_sections import WatchedTable, WatchedValue
from bridge.errors import ConfigProblem
from bridge.protocol.door.catalogue import Catalogue, FieldKind

_TEXTS = frozenset("SENDT") | {"uuid"}  # strings, enumerations, numbers, dates, intervals
_EXPECTED: Mapping[FieldKind, tuple[frozenset[str], str]] = {
    "id": (frozenset("SN") | {"uuid"}, "a number or a text"),
    "campaign_id": (frozenset("SN") | {"uuid"}, "a number or a text"),
    "amount": (frozenset("SN"), "a number"),
    "number": (frozenset("N"), "a number"),
    "number_or_text": (frozenset("SN"), "a number or a text"),
    "bool": (frozenset("B"), "a boolean"),
    "text": (_TEXTS, "a text"),
    "map": (frozenset({"json", "jsonb"}), "jsonb"),
    "plain": (_TEXTS | frozenset("BA"), "a text, a number or a boolean"),
}
"""Which sorts of columns a field takes (pg_type.typcategory; of U the type itself), and how to say so."""


class Column(NamedTuple):
    """One that is there. `table` is with its schema, `type` as PostgreSQL writes it, `sort` as in `_EXPECTED`."""

    table: str
    name: str
    type: str
    sort: str


class Wanted(NamedTuple):
    """One that a rule reads, and for which field of its event; None: any type will do."""

    table: str
    name: str
    field: str
    kind: FieldKind | None


def problems(tables: Sequence[WatchedTable], catalogue: Catalogue, *, source: str, key: str) -> list[ConfigProblem]:
    """What the bridge would refuse of every row that they make. `key` is the dotted one of the list of them."""
    return [
        ConfigProblem(source, f"{key}.{index}.{field}", shown, rule)
        for index, table in enumerate(tables)
        for field, shown, rule in _of_rule(table, catalogue)
    ]


def wanted(tables: Sequence[WatchedTable], catalogue: Catalogue) -> list[Wanted]:
    """Every column that they read."""
    return [each for table in tables for each in _of_table(table, catalogue)]


def differences(wants: Sequence[Wanted], live: Sequence[Column]) -> list[str]:
    """In words, what of the wanted is missing or of a type that the field doesn't take; each once."""
    there = {(column.table, column.name): column for column in live}
    tables = {column.table for column in live}
    found = dict[str, None]()
    for want in wants:
        column = there.get((want.table, want.name))
        if want.table not in tables:
            found[f"there is no table {want.table}"] = None
        elif column is None:
            beside = [name for table, name in there if table == want.table]
            nearest = get_close_matches(want.name, beside, n=1)
            hint = f"; is it {nearest[0]}?" if nearest else ""
            found[f"{want.table} has no column {want.name}, for {want.field}{hint}"] = None
        elif want.kind is not None and column.sort not in _EXPECTED[want.kind][0]:
            expected = _EXPECTED[want.kind][1]
            found[f"{want.table}.{want.name} is of type {column.type}; {want.field} takes {expected}"] = None
    return list(found)


def qualified(table: str) -> str:
    """With its schema."""
    return table if "." in table else f"public.{table}"


def _of_rule(rule: WatchedTable, catalogue: Catalogue) -> Iterator[tuple[str, str, str]]:
    """Field, what stands there, and the rule it breaks."""
    found = catalogue.find(rule.event)
    if found is None:
        yield "event", repr(rule.event), "is neither a built-in event nor one of events.declared"
        return
    event, implied = found
    for name in rule.payload.keys() - event.fields.keys():
        yield f"payload.{name}", "…", f"is not a field that {event.name} may carry: {', '.join(event.fields)}"
    for name, field in event.fields.items():
        if field.required and name not in rule.payload and name not in implied:
            yield f"payload.{name}", "(missing)", f"is required by {event.name}"
    if event.for_user and rule.to_user is None:
        yield "to_user", "(missing)", f"is required: {event.name} is for one user"
    if not event.for_user and rule.campaign is None:
        yield "campaign", "(missing)", f"is required: {event.name} is of a campaign"


def _of_table(rule: WatchedTable, catalogue: Catalogue) -> Iterator[Wanted]:
    found = catalogue.find(rule.event)
    fields = found[0].fields if found else {}
    for name in rule.when_changed:
        yield Wanted(qualified(rule.table), name, "when_changed", None)
    for field, value in (("campaign", rule.campaign), ("owner", rule.owner), ("to_user", rule.to_user)):
        yield from _of_value(rule.table, value, field, "id")
    for field, value in rule.payload.items():
        yield from _of_value(rule.table, value, field, fields[field].kind if field in fields else None)


def _of_value(table: str, value: WatchedValue | None, field: str, kind: FieldKind | None) -> Iterator[Wanted]:
    if value is None:
        return
    own = value.column or value.old
    if own is not None:
        yield Wanted(qualified(table), own, field, kind)
    if value.select and value.table and value.where and value.equals:
        yield Wanted(qualified(value.table), value.select, field, kind)
        yield Wanted(qualified(value.table), value.where, field, None)
        yield Wanted(qualified(table), value.equals, field, None)
