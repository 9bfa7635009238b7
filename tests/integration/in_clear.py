"""What can be read on the ledger by anybody: looks for values there in every common form, and for texts in clear."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.protocol.wire import cbor
from tests.integration.world import World

LONG = 8  # shorter values turn up in random bytes by chance


def lengthened(line: dict[str, Any]) -> dict[str, Any]:
    """The same change with ids long enough to be looked for."""
    text = json.dumps(line)
    campaign = line["campaignId"]
    text = text.replace(f'"{campaign}"', f'"{campaign}00700700"')
    if line["to"]:
        text = text.replace(line["to"], line["to"] + "00900900")
    changed: dict[str, Any] = json.loads(text)
    return changed


def values(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for inner in value.values():
                yield from values(inner)
        case list():
            for inner in value:
                yield from values(inner)
        case str():
            yield value
        case int() | float() if not isinstance(value, bool):
            yield str(value)


def forms(value: str) -> Iterator[bytes]:
    """How a value might lie about: as text, in hex, in base64 at each of the three alignments, UTF-16, a number."""
    raw = value.encode()
    yield raw
    yield raw.hex().encode()
    yield value.encode("utf-16-le")
    for shift in range(3):
        yield base64.b64encode(bytes(shift) + raw)[4 if shift else 0 : -4]
    if value.lstrip("-").isdecimal() and abs(int(value)) >= 2**32:
        yield abs(int(value)).to_bytes(8, "big")


def clear_texts(made: World) -> set[str]:
    """Every text that the ledger holds outside of seals: memos, and what manifests and frames show by their form."""
    mirror = made.devnet.network.mirror
    records = mirror.transactions()
    found = {records.at(index).memo for index in range(len(records))}
    found |= {topic.entity.memo for topic in mirror.topics.values()}
    for message in messages(made):
        shown = cbor.decode(message)
        assert isinstance(shown, cbor.Tag)
        found |= set(texts(shown))
    return found


RANDOM_BYTES = 16
"""A kid or an IV, of which one in very many happens to be the CBOR of a text."""


def texts(item: object) -> Iterator[str]:
    """The text strings of a message that anybody can decode; byte strings that hold CBOR are looked into."""
    match item:
        case cbor.Tag():
            yield from texts(item.value)
        case list() | tuple():
            for inner in item:
                yield from texts(inner)
        case Mapping():
            for name, inner in item.items():
                yield from texts(name)
                yield from texts(inner)
        case str():
            yield item
        case bytes() if len(item) > RANDOM_BYTES:
            try:
                yield from texts(cbor.decode(item))
            except cbor.CborInvalid:
                return


def messages(made: World) -> list[bytes]:
    """Every message of every topic, its chunks joined."""
    found: list[bytes] = []
    for topic in made.devnet.network.mirror.topics.values():
        chunks: dict[object, dict[int, bytes]] = {}
        for message in topic.messages.walk(range(len(topic.messages)), descending=False):
            key, number = (
                (message.sequence, 1) if message.chunk is None else (message.chunk.initial, message.chunk.number)
            )
            chunks.setdefault(key, {})[number] = message.message
        found += [b"".join(part for _, part in sorted(parts.items())) for parts in chunks.values()]
    return found


def nothing_readable(made: World, lines: list[dict[str, Any]], also: set[str]) -> None:
    """No value of the lines, nor of `also`, is found on the ledger; what stands there in clear says nothing."""
    secret = {value for line in lines for value in values(line)} | also
    secret.discard("")
    long = {value for value in secret if len(value.encode()) >= LONG}
    assert len(long) > 1000
    everything = b"\0".join(messages(made))
    assert [value for value in long if any(form in everything for form in forms(value))] == []
    clear = clear_texts(made)
    assert clear & secret == set()
    topics = {str(topic_id) for topic_id in made.devnet.network.mirror.topics}
    assert clear == {"", "hcs-bridge:1", "devnet"} | topics
