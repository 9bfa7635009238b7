"""What the relay counts: events and how long they took, and topics that it had to halt."""

from __future__ import annotations

import time

from bridge.counts import count, observe
from bridge.protocol.wire.events import uuid7_ms
from bridge.relay.tail import Batch

NS = 1_000_000_000


def counted(batch: Batch) -> None:
    """It is stored and handed on."""
    now_ns = time.time_ns()
    for placed in batch.events:
        accepted_ns, consensus_ns = uuid7_ms(placed.event.id) * 1_000_000, placed.place.consensus_ns
        observe("lag", (consensus_ns - accepted_ns) / NS, "ledger")
        observe("lag", (now_ns - consensus_ns) / NS, "mirror")
    count("relayed", "event", by=len(batch.events))
    count("relayed", "sealed frame", by=len(batch.frames))


def topic_halted() -> None:
    """One failed its checks."""
    count("halted")
