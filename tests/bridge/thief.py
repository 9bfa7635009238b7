"""What somebody can read who got hold of databases, of master keys, and, as everyone can, of the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from bridge.errors import EnvelopeRejected, SealBroken
from bridge.keys.ring import STORE
from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire.epochs import Epoch, KeyTable
from bridge.protocol.wire.frame import open_frame
from bridge.protocol.wire.wrapping import open_body, unwrap_key
from bridge.publish import bodies
from bridge.relay import store
from tests.footing import NETWORK
from tests.integration.world import World

SECRET = "the secret of "
"""What every event says, and then whose it is."""

Row = tuple[str | int | bytes, ...]


def key_in(path: Path) -> bytes:
    """The key in a key file."""
    return bytes.fromhex(path.read_text().splitlines()[-1])


def everything_that_opens(made: World, masters: Sequence[bytes], databases: Sequence[Path]) -> set[str]:
    """All secrets: every key out of every database under every master key, tried on all bodies and on all frames."""
    keys = [pair for path in databases for pair in _keys(path, masters)]
    said = {text for path in databases for text in _bodies(path, [key for owner, key in keys if owner == STORE])}
    return {text for text in said | set(_frames(made, keys)) if text.startswith(SECRET)}


def _keys(path: Path, masters: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT owner, kid, wrapped FROM epochs").fetchall()
    for owner, kid, wrapped in rows:
        for master in masters:
            with suppress(SealBroken):
                yield owner, unwrap_key(wrapped, master_key=master, owner=owner, kid=kid)


def _bodies(path: Path, store_keys: Sequence[bytes]) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as connection:
        entries = connection.execute("SELECT body, event_id FROM entries").fetchall()
        published = connection.execute('SELECT body, channel, "offset" FROM publications').fetchall()
    sealed: list[tuple[bytes, str, Row]] = [(body, bodies.LABEL, tuple(row)) for body, *row in entries]
    sealed += [(body, store.LABEL, tuple(row)) for body, *row in published]
    for body, label, row in sealed:
        for key in store_keys:
            with suppress(SealBroken):
                yield _secret_in(open_body(body, key=key, label=label, row=row))


def _frames(made: World, keys: Sequence[tuple[str, bytes]]) -> Iterator[str]:
    campaigns, users = (
        tuple(Epoch.of(key) for owner, key in keys if owner.startswith(kind)) for kind in ("campaign:", "user:")
    )
    held = KeyTable(epochs=campaigns, users=users)
    for topic_id, topic in made.devnet.network.mirror.topics.items():
        for message in topic.messages.walk(range(len(topic.messages)), descending=False):
            with suppress(EnvelopeRejected):
                frame = open_frame(message.message, context=TopicContext(NETWORK, topic_id, True), keys=held)
                yield from (str(event.data.get("message")) for event in frame.events if isinstance(event, Event))


def _secret_in(body: bytes) -> str:
    """In a JSON text it ends with a quote, in CBOR with the body."""
    text = body[max(0, body.find(SECRET.encode())) :].decode(errors="replace")
    return text.split(chr(34))[0]
