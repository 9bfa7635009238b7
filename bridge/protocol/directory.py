"""The directory of topics as HCS-2 has it (hcs-2, an indexed registry): one JSON message for each topic listed."""

from __future__ import annotations

import msgspec

from topics.values import TopicId

MARK = "hcs-2:0:"
"""How the memo of every indexed registry begins: protocol, and that all messages count."""
MEMO = f"{MARK}86400"
"""With the seconds for which a reader may keep what it has read; HCS-2 suggests a day."""


class _Operation(msgspec.Struct):
    """What is read of an HCS-2 message; `metadata`, a memo and whatever else it has are passed over."""

    p: str
    op: str
    t_id: str


def registration(topic_id: TopicId) -> bytes:
    """The message that lists a topic."""
    return msgspec.json.encode(_Operation("hcs-2", "register", str(topic_id)))


def registered(message: bytes) -> TopicId | None:
    """The topic that a message lists; None for one that lists none: another operation, or not HCS-2 at all."""
    try:
        found = msgspec.json.decode(message, type=_Operation)
        return TopicId.parse(found.t_id) if (found.p, found.op) == ("hcs-2", "register") else None
    except (msgspec.MsgspecError, ValueError):
        return None
