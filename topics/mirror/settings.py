"""How patient and how polite a mirror's client is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MirrorSettings:
    """The names are those of the `[mirror]` section; the defaults stay below the public mirrors' limit."""

    request_timeout_s: float = 10.0
    max_attempts: int = 5
    backoff_initial_s: float = 0.25
    backoff_max_s: float = 8.0
    max_requests_per_s: float = 20.0
    """Public mirrors allow 50 a second from one address, all its users together."""
    max_body_bytes: int = 4_194_304
    """A page of 100 full messages has some 250,000 bytes."""
