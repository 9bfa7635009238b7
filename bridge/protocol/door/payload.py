"""A payload against its event's allow-list: what comes out holds only allowed fields, ids and amounts as strings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from bridge.protocol.channels import is_id
from bridge.protocol.door.catalogue import EventRule, Field
from bridge.protocol.door.strict_json import Report, dotted
from bridge.protocol.values import JSON

MAX_EXACT = 2**53 - 1
"""Beyond this a client's JSON parser rounds integers."""

NO_AMOUNT = re.compile(r"\s*[+-]?(nan|inf|infinity)\s*", re.IGNORECASE)
"""As PostgreSQL, Python and JavaScript write what numbers can be and money can't."""

CAMPAIGN_ID_RULE = "must be an id of letters, digits and _ . ~ -, not starting with _"

_RULES = {
    "text": "must be a text",
    "id": "must be an id: a text or an integer",
    "campaign_id": CAMPAIGN_ID_RULE,
    "amount": "must be an amount: a text (not NaN, not infinity), or a number that is exact",
    "number": f"must be a number, and as an integer within ±{MAX_EXACT}",
    "number_or_text": f"must be a text or a number, and as an integer within ±{MAX_EXACT}",
    "bool": "must be true or false",
    "map": "must be an object",
    "plain": f"must be a text, true, false, null, a number (as an integer within ±{MAX_EXACT}), or an array of these",
}


def check_fields(
    payload: Mapping[str, JSON], fields: Mapping[str, Field], report: Report, *, path: str, max_id_chars: int
) -> dict[str, JSON]:
    """The allowed fields with their values normalised; everything else is reported. An optional null is left out."""
    for name, value in payload.items():
        if name not in fields:
            report(dotted(path, name), value, "is not a field that this event may carry")
    checked: dict[str, JSON] = {}
    for name, field in fields.items():
        value = payload.get(name)
        if value is None and (name not in payload or field.kind != "plain"):
            if field.required:
                report(dotted(path, name), value, "is required")
        elif field.kind == "map" and isinstance(value, dict):
            below = dotted(path, name)
            checked[name] = check_fields(value, field.fields, report, path=below, max_id_chars=max_id_chars)
        else:
            normal = checked[name] = _normal(field, value, max_id_chars)
            if normal is None and value is not None:
                report(dotted(path, name), value, _rule(field))
    return checked


def resolve_aliases(
    payload: Mapping[str, JSON], rule: EventRule, preset: Mapping[str, str], report: Report
) -> dict[str, JSON]:
    """The payload under the event's own field names, with what the event's alias implies."""
    resolved: dict[str, JSON] = {}
    for name, value in payload.items():
        target = rule.aliases.get(name, name)
        if target != name and target in payload:
            report(f"payload.{name}", value, f"is another name of {target}, which is there too")
        else:
            resolved[target] = value
    for name, implied in preset.items():
        if resolved.setdefault(name, implied) != implied:
            report(f"payload.{name}", resolved[name], f"must be {implied} in an event of this name")
    return resolved


def as_id(value: JSON, *, max_chars: int) -> str | None:
    """A campaign's or user's id; an integer counts as its digits. None if it is neither."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and is_id(text, max_chars=max_chars) else None


def _normal(field: Field, value: JSON, max_id_chars: int) -> JSON:
    """The value as it is kept; None if the field can't have it."""
    if field.kind == "campaign_id":
        return as_id(value, max_chars=max_id_chars)
    if field.kind == "amount" and isinstance(value, str) and NO_AMOUNT.fullmatch(value):
        return None
    if field.kind in ("id", "amount"):
        return _digits(value, fractions=field.kind == "amount")
    return value if _fits(field, value) else None


def _rule(field: Field) -> str:
    return f"must be one of {', '.join(field.values)}" if field.values else _RULES[field.kind]


def _digits(value: JSON, *, fractions: bool) -> str | None:
    """A text as it is; a number as plain digits, if none of them can have been lost on the way."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        return str(value)
    if not fractions or abs(value) > MAX_EXACT:
        return None
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _fits(field: Field, value: JSON) -> bool:
    match field.kind:
        case "text":
            return isinstance(value, str) and (not field.values or value in field.values)
        case "bool":
            return isinstance(value, bool)
        case "number":
            return _is_number(value)
        case "number_or_text":
            return isinstance(value, str) or _is_number(value)
        case "plain" if isinstance(value, list):
            return all(_is_plain(item) for item in value)
        case "plain":
            return _is_plain(value)
    return False


def _is_plain(value: JSON) -> bool:
    return value is None or isinstance(value, (str, bool)) or _is_number(value)


def _is_number(value: JSON) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= MAX_EXACT)
