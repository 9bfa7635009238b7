"""What the reader of one application's database, or of its stream, needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One `[[ingest.postgres]]`. `url` has the password in it; `max_payload_bytes` is that of `[events]`.

    Another bridge takes over `lock_s` after the one that reads has gone, or stands still.
    """

    name: str
    url: str = field(repr=False)
    poll_interval_s: float = 1.0
    max_batch: int = 500
    reconnect_max_s: float = 30.0
    lock_s: float = 15.0
    max_payload_bytes: int = 8192

    @property
    def max_payload_chars(self) -> int:
        """Of a payload's JSON text: with every character escaped it has six for a byte, and blanks beside them."""
        return 8 * self.max_payload_bytes


@dataclass(frozen=True, slots=True)
class StreamSettings(SourceSettings):
    """One `[[ingest.redis]]`."""

    stream: str = ""
    group: str = "hcs-bridge"
    ca_file: Path | None = None
    timeout_s: float = 5.0
    keep_refused: int = 1000
