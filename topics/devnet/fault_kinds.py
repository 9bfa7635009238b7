"""Every way to fail, and what may be said of each."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Ways to fail. Each shell knows which of them are its own."""

    BUSY = "busy"
    """A node answers BUSY at precheck."""
    BUSY_RECEIPT = "busy-receipt"
    """A node takes the transaction, but it ends with BUSY instead of running, as around a freeze; it costs nothing."""
    LOST_ACKNOWLEDGEMENT = "lost-acknowledgement"
    """A node takes the transaction, and its answer never arrives."""
    HANG = "hang"
    """A node takes the call, does what was asked, and never answers."""
    NODE_DOWN = "node-down"
    """A node answers nothing but UNAVAILABLE."""
    RECEIPTS_EXPIRED = "receipts-expired"
    """A node has no receipt and no record of anything. It still knows its own transactions again."""
    CLOCK_SKEW = "clock-skew"
    """A node's clock is behind by `skew_s`: what starts later by it has an INVALID_TRANSACTION_START."""

    MIRROR_UNREACHABLE = "mirror-unreachable"
    """The mirror's REST side drops every connection."""
    MIRROR_TOO_MANY_REQUESTS = "mirror-too-many-requests"
    """REST answers 429, with a Retry-After of `retry_after_s` if given."""
    MIRROR_UNAVAILABLE = "mirror-unavailable"
    """REST answers 503, as while its database is down."""
    MIRROR_GRPC_DOWN = "mirror-grpc-down"
    """The mirror's gRPC side answers every call with UNAVAILABLE, and ends the streams that are open so."""
    MIRROR_LAG = "mirror-lag"
    """The mirror is `lag_s` further behind than it was."""
    MIRROR_FREEZE = "mirror-freeze"
    """The mirror answers, but knows nothing new from then on."""
    MIRROR_REPLICAS = "mirror-replicas"
    """Two replicas answer in turn, the second is `lag_s` behind; a stream stays with the one that took it."""
    PAGE_EMPTY = "page-empty"
    """A list of messages or transactions comes without rows, but with a link that leads to them."""
    PAGE_REPEATS = "page-repeats"
    """The link of such a list leads to the same rows again."""

    MESSAGE_ALTERED = "message-altered"
    """A message is shown with another `field`."""
    MESSAGE_FORGED = "message-forged"
    """Message `from_sequence` (1 if not given) has other content, and all running hashes from it on fit that."""
    MESSAGE_DROPPED = "message-dropped"
    """A message isn't shown."""
    MESSAGE_REPEATED = "message-repeated"
    """A message is shown twice."""
    MESSAGE_REORDERED = "message-reordered"
    """A message is shown behind the next one; the last of a REST page stays where it is."""

    STREAM_BREAKS = "stream-breaks"
    """A stream ends after `after` messages, with the gRPC `status`."""
    STREAM_SILENT = "stream-silent"
    """A stream says no more after `after` messages, and doesn't end."""


class Side(StrEnum):
    """One of a mirror's two."""

    REST = "rest"
    GRPC = "grpc"


class Field(StrEnum):
    """What of a message is altered: content and hash by a bit, numbers by one. gRPC tells neither payer nor topic."""

    MESSAGE = "message"
    RUNNING_HASH = "running-hash"
    SEQUENCE = "sequence"
    TIMESTAMP = "timestamp"
    CHUNK = "chunk"
    PAYER = "payer"
    TOPIC = "topic"


_ANSWERS = ("mirror", "topic")
_KNOWLEDGE = ("mirror", "side", "topic")
_MESSAGES = (*_KNOWLEDGE, "sequence")
_STREAMS = (*_ANSWERS, "after")

TAKES: dict[Fault, tuple[str, ...]] = {
    Fault.BUSY: ("node",),
    Fault.BUSY_RECEIPT: ("node",),
    Fault.LOST_ACKNOWLEDGEMENT: ("node",),
    Fault.HANG: ("node",),
    Fault.NODE_DOWN: ("node",),
    Fault.RECEIPTS_EXPIRED: ("node",),
    Fault.CLOCK_SKEW: ("node", "skew_s"),
    Fault.MIRROR_UNREACHABLE: _ANSWERS,
    Fault.MIRROR_TOO_MANY_REQUESTS: (*_ANSWERS, "retry_after_s"),
    Fault.MIRROR_UNAVAILABLE: _ANSWERS,
    Fault.MIRROR_GRPC_DOWN: _ANSWERS,
    Fault.MIRROR_LAG: (*_KNOWLEDGE, "lag_s"),
    Fault.MIRROR_FREEZE: _KNOWLEDGE,
    Fault.MIRROR_REPLICAS: (*_KNOWLEDGE, "lag_s"),
    Fault.PAGE_EMPTY: _ANSWERS,
    Fault.PAGE_REPEATS: _ANSWERS,
    Fault.MESSAGE_ALTERED: (*_MESSAGES, "field"),
    Fault.MESSAGE_FORGED: (*_KNOWLEDGE, "from_sequence"),
    Fault.MESSAGE_DROPPED: _MESSAGES,
    Fault.MESSAGE_REPEATED: _MESSAGES,
    Fault.MESSAGE_REORDERED: _MESSAGES,
    Fault.STREAM_BREAKS: (*_STREAMS, "status"),
    Fault.STREAM_SILENT: _STREAMS,
}
"""Beside `times` and `for_s`, which go with all."""

NEEDS = {
    Fault.CLOCK_SKEW: "skew_s",
    Fault.MIRROR_LAG: "lag_s",
    Fault.MIRROR_REPLICAS: "lag_s",
    Fault.MESSAGE_ALTERED: "field",
}
