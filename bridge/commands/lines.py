"""One publication as one line of a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from topics.values import NANOS, parse_timestamp

MAX_FIELD = 40
LINE_FIELDS = 4
UNPRINTABLE = dict.fromkeys((*range(32), *range(127, 160)))  # a payload must not steer the terminal


def publication_line(publication: Mapping[str, Any], *, arrived_ns: int) -> str:
    """Time (UTC), phase, topic#sequence, event, and the first fields of the payload.

    The time is that of consensus; what has none shows when it arrived, as its own may be anything its backend says.
    """
    meta = publication.get("meta", {})
    data = publication.get("data", {})
    consensus = meta.get("consensusTimestamp")
    fields = [
        f"{name}={_short(value)}"
        for name, value in data.get("payload", {}).items()
        if not isinstance(value, dict | list)
    ]
    place = f"{meta['topicId']}#{meta['sequence']}" if "topicId" in meta and "sequence" in meta else "-"
    parts = [
        _time(parse_timestamp(consensus) if consensus else arrived_ns),
        f"{meta.get('phase', ''):<11}",
        f"{place:<14}",
        f"{publication.get('event', ''):<27}",
        *fields[:LINE_FIELDS],
    ]
    return " ".join(parts).translate(UNPRINTABLE).rstrip()


def _time(ns: int) -> str:
    moment = datetime.fromtimestamp(ns // NANOS, UTC)
    return f"{moment:%H:%M:%S}.{ns % NANOS // 1_000_000:03d}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= MAX_FIELD else text[: MAX_FIELD - 1] + "…"
