"""The door: what a backend sends becomes changes, or is refused with every problem at once (HTTP 4xx)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from bridge.errors import ChangeRefused, Problem
from bridge.protocol.door.catalogue import Catalogue, EventRule
from bridge.protocol.door.payload import CAMPAIGN_ID_RULE, as_id, check_fields, resolve_aliases
from bridge.protocol.door.strict_json import JsonInvalid, Report, dotted, inspect, parse, type_name
from bridge.protocol.values import JSON, Change
from bridge.protocol.wire import cbor
from bridge.protocol.wire.dictionary import encode_data
from bridge.protocol.wire.events import MAX_TIME_MS

MAX_PROBLEMS = 100
"""A refusal lists so many; the rest would only repeat what is wrong with the sender."""

_NAMES = frozenset({"event", "payload", "campaignId", "to", "at"})
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of the door. `max_payload_bytes` counts one event's data as CBOR, as it goes into the frame."""

    max_batch: int = 1000
    max_payload_bytes: int = 8192
    max_json_depth: int = 8
    max_id_chars: int = 64


def read_changes(body: bytes, *, catalogue: Catalogue, limits: Limits) -> list[Change]:
    """One object or an array of objects, as JSON text; the changes in their order, all or none.

    Raises ChangeRefused: 400 not JSON, 413 too many at once, 422 anything else.
    """
    try:
        document = parse(body)
    except JsonInvalid as exc:
        raise ChangeRefused([Problem(0, "", "text", str(exc))], status=400) from exc
    return validate_changes(document, catalogue=catalogue, limits=limits)


def validate_changes(document: JSON, *, catalogue: Catalogue, limits: Limits) -> list[Change]:
    """The same for a document that `strict_json.parse` read. Raises ChangeRefused, with all problems of the batch."""
    items = document if isinstance(document, list) else [document]
    if not items:
        raise ChangeRefused([Problem(0, "", "array", "must hold at least one event")])
    if len(items) > limits.max_batch:
        raise ChangeRefused([Problem(0, "", "array", f"must hold at most {limits.max_batch} events")], status=413)
    problems: list[Problem] = []
    changes: list[Change] = []
    for index, item in enumerate(items):
        change = _change(item, index, problems, catalogue, limits)
        if change is not None:
            changes.append(change)
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise ChangeRefused(problems[:MAX_PROBLEMS])
    return changes


def parse_time_ms(value: JSON) -> int | None:
    """RFC 3339 text with an offset, or an integer of milliseconds; further decimals are cut. None if neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value <= MAX_TIME_MS else None
    match = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    *date, fraction, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        year, month, day, hour, minute, second = (int(part) for part in date)
        zone = timezone(-offset if sign == "-" else offset)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None
    time_ms = seconds * 1000 + int((fraction or "0").ljust(3, "0")[:3])
    return time_ms if 0 <= time_ms <= MAX_TIME_MS else None


def _change(item: JSON, index: int, problems: list[Problem], catalogue: Catalogue, limits: Limits) -> Change | None:
    """One change, or None once `problems` has grown."""
    before = len(problems)

    def report(field: str, value: object, rule: str) -> None:
        problems.append(Problem(index, field, type_name(value), rule))

    if not isinstance(item, dict):
        report("", item, "must be an object with event and payload")
        return None
    for extra in item.keys() - _NAMES:
        report(dotted("", extra), item[extra], f"is not one of {', '.join(sorted(_NAMES))}")
    payload = _payload(item, report)
    inspect({**item, "payload": payload}, report, depth=limits.max_json_depth)
    name = item.get("event")
    found = catalogue.find(name) if isinstance(name, str) else None
    if found is None:
        report("event", name, "must be the name of a built-in or declared event")
    if found is None or payload is None or len(problems) > before:
        return None
    rule, preset = found
    data = resolve_aliases(payload, rule, preset, report)
    time_ms = _time(item, data, rule, report)
    user_id = _user(item, rule, report, limits)
    campaign_id = _campaign(item, data, rule, report, limits)
    checked = check_fields(data, rule.fields, report, path="payload", max_id_chars=limits.max_id_chars)
    if len(problems) == before:
        _check_size(rule, checked, report, limits)
    if len(problems) > before:
        return None
    return Change(rule.name, rule.data_type, checked, campaign_id, user_id, time_ms)


def _payload(item: dict[str, JSON], report: Report) -> dict[str, JSON] | None:
    payload = item.get("payload")
    if isinstance(payload, str):  # encoded twice, as the first user's outbox rows are
        try:
            payload = parse(payload)
        except JsonInvalid as exc:
            report("payload", item["payload"], str(exc))
            return None
    if not isinstance(payload, dict):
        report("payload", payload, "must be an object")
        return None
    return payload


def _time(item: dict[str, JSON], data: dict[str, JSON], rule: EventRule, report: Report) -> int | None:
    """`at`, else the payload's `timestamp`, which is taken out unless the event declares a field of that name."""
    stamp = data.pop("timestamp", None) if "timestamp" not in rule.fields else None
    times: dict[str, int | None] = {}
    for field, value in (("payload.timestamp", stamp), ("at", item.get("at"))):
        if value is not None:
            times[field] = parse_time_ms(value)
            if times[field] is None:
                report(field, value, "must be ISO 8601 with Z or an offset, or milliseconds since 1970")
    return times.get("at", times.get("payload.timestamp"))


def _user(item: dict[str, JSON], rule: EventRule, report: Report, limits: Limits) -> str | None:
    to = item.get("to")
    if to is None:
        if rule.for_user:
            report("to", to, f"is required: {rule.name} is for one user, as in user:77")
        return None
    kind, _, text = to.partition(":") if isinstance(to, str) else ("", "", "")
    user_id = as_id(text, max_chars=limits.max_id_chars)
    if kind != "user" or user_id is None:
        report("to", to, "must be user:<id>, or left out for everyone on the campaign")
    return user_id


def _campaign(
    item: dict[str, JSON], data: dict[str, JSON], rule: EventRule, report: Report, limits: Limits
) -> str | None:
    """The campaign's id from the top level or the payload; then both have it, where the payload may."""
    outside, inside = item.get("campaignId"), data.get("campaignId") if "campaignId" in rule.fields else None
    given = outside if outside is not None else inside
    if given is None:
        if not rule.for_user:
            report("campaignId", given, "is required, here or in the payload")
        return None
    campaign_id = as_id(given, max_chars=limits.max_id_chars)
    if campaign_id is None:
        if outside is not None:  # the payload's own is checked with the payload
            report("campaignId", given, CAMPAIGN_ID_RULE)
        return None
    if inside is not None and as_id(inside, max_chars=limits.max_id_chars) != campaign_id:
        report("payload.campaignId", inside, "is another campaign than campaignId")
    if "campaignId" in rule.fields:
        data["campaignId"] = campaign_id
    return campaign_id


def _check_size(rule: EventRule, data: dict[str, JSON], report: Report, limits: Limits) -> None:
    """Name the longest field if the event is too long: that is the one to look at."""
    if _most_bytes(data) <= limits.max_payload_bytes:  # as good as always, and sooner found than the size itself
        return
    size = len(cbor.encode(encode_data(rule.name, data)))
    if size > limits.max_payload_bytes:
        longest = max(data, key=lambda name: len(cbor.encode(data[name])))
        rule_text = f"makes the payload {size} bytes long; at most {limits.max_payload_bytes} pass"
        report(f"payload.{longest}", data[longest], rule_text)


def _most_bytes(value: JSON) -> int:
    """No encoding of the value in CBOR is longer: a head has at most 9 bytes, a character at most 4."""
    if isinstance(value, str):
        return 9 + 4 * len(value)
    most = 10  # a coded value may stand in an array of one
    if isinstance(value, dict):
        for name, item in value.items():
            most += 9 + 4 * len(name) + _most_bytes(item)
    elif isinstance(value, list):
        for item in value:
            most += _most_bytes(item)
    return most
