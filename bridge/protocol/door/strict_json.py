"""JSON from outside: exact integers, no NaN, no duplicate names, no lone surrogates, bounded depth."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import NoReturn

from bridge.protocol.values import JSON

Report = Callable[[str, object, str], None]
"""Takes a dotted field ("" for the document), the value that stands there, and the rule that it breaks."""

MAX_NAME_CHARS = 64


class JsonInvalid(ValueError):
    """The text is not JSON as we take it; the message is the rule, and repeats nothing of the text."""


def parse(text: bytes | str) -> JSON:
    """The document, its integers exact at any length. Raises JsonInvalid.

    Lone surrogates and depth are found by `inspect`, which can name the field.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        document: JSON = _DECODER.decode(text)
    except JsonInvalid:
        raise
    except UnicodeDecodeError as exc:
        raise JsonInvalid("must be UTF-8") from exc
    except json.JSONDecodeError as exc:
        raise JsonInvalid(f"must be JSON ({exc.msg.lower()} at character {exc.pos})") from exc
    except RecursionError as exc:
        raise JsonInvalid("is nested too deeply") from exc
    except ValueError as exc:  # an integer of more digits than Python cares to read
        raise JsonInvalid("holds a number with too many digits") from exc
    return document


def inspect(value: JSON, report: Report, *, path: str = "", depth: int) -> None:
    """Report every lone surrogate, and what lies deeper than `depth` containers."""
    if not _is_sound(value, depth):
        _name_faults(value, report, path, depth)


def _is_sound(value: JSON, depth: int) -> bool:
    """Whether there is nothing to report: the usual case, which needs no names of fields. False may be a mistake."""
    if isinstance(value, str):
        return value.isascii() or is_unicode(value)
    if not isinstance(value, (dict, list)):
        return True
    if depth == 0:
        return False
    if isinstance(value, dict):
        return "".join(value).isascii() and _is_sound([*value.values()], depth)
    for item in value:
        if isinstance(item, str):
            if not item.isascii() and not is_unicode(item):
                return False
        elif not _is_sound(item, depth - 1):
            return False
    return True


def _name_faults(value: JSON, report: Report, path: str, depth: int) -> None:
    if isinstance(value, str):
        if not is_unicode(value):
            report(path, value, "must not hold a lone surrogate")
    elif isinstance(value, (dict, list)):
        if depth == 0:
            report(path, value, "is nested too deeply")
        elif isinstance(value, dict):
            for name, item in value.items():
                below = dotted(path, name)
                if not is_unicode(name):
                    report(below, item, "must not hold a lone surrogate in its name")
                _name_faults(item, report, below, depth - 1)
        else:
            for index, item in enumerate(value):
                _name_faults(item, report, dotted(path, str(index)), depth - 1)


def is_unicode(text: str) -> bool:
    """Whether `text` can be written in UTF-8, that is, holds no half of a surrogate pair."""
    if text.isascii():
        return True
    return not any("\ud800" <= character <= "\udfff" for character in text)


def dotted(path: str, name: str) -> str:
    """`path` and a name below it, which comes from a peer: cut to a length and made printable."""
    shown = name if len(name) <= MAX_NAME_CHARS else name[:MAX_NAME_CHARS] + "…"
    shown = shown.encode("utf-8", "backslashreplace").decode()
    return f"{path}.{shown}" if path else shown


def type_name(value: object) -> str:
    """JSON's word for the type of a parsed value."""
    if value is None:
        return "null"
    for kind, name in ((bool, "boolean"), ((int, float), "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"


def _no_constant(name: str) -> NoReturn:
    raise JsonInvalid(f"must not hold {name}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise JsonInvalid("holds a number beyond what a double carries")
    return value


def _without_duplicates(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise JsonInvalid("has an object that names a field twice")
    return document


_DECODER = json.JSONDecoder(
    parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_without_duplicates
)  # json.loads would make one a call
