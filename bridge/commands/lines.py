"""One publication as one line of a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from topics.values import NANOS, parse_timestamp

MAX_FIELD = 40
LINE_FIELDS = 4
UNPRINTABLE = dict.fromkeys((*range(32), *range(127, 160)))  # a payload must not steer the terminal


def publication_line(publication: Mapping[str, Any]) -> str:
    """Consensus time, phase, event, topic#sequence, and the first fields of the payload."""
    meta = publication.get("meta", {})
    data = publication.get("data", {})
    fields = [
        f"{name}={_short(value)}"
        for name, value in data.get("payload", {}).items()
        if not isinstance(value, dict | list)
    ]
    place = f"{meta['topicId']}#{meta['sequence']}" if "topicId" in meta and "sequence" in meta else "-"
    parts = [
        _time(meta.get("consensusTimestamp"), data.get("timestamp")),
        f"{meta.get('phase', ''):<11}",
        f"{place:<14}",
        f"{publication.get('event', ''):<27}",
        *fields[:LINE_FIELDS],
    ]
    return " ".join(parts).translate(UNPRINTABLE).rstrip()


def _time(consensus: str | None, iso: str | None) -> str:
    if consensus:
        ns = parse_timestamp(consensus)
        moment = datetime.fromtimestamp(ns // NANOS, UTC)
        return f"{moment:%H:%M:%S}.{ns % NANOS // 1_000_000:03d}"
    return iso[11:23] if iso else " " * 12


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= MAX_FIELD else text[: MAX_FIELD - 1] + "…"
