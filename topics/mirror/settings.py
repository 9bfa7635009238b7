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
    check_interval_s: float = 15.0
    """Between two looks at how each of several mirrors is."""
    max_lag_s: float = 30.0
    """How far a mirror may be behind the freshest of them."""
    max_limited_s: float = 10.0
    """How long a mirror may answer nothing but 429 before the next is asked."""
    cross_check: float = 0.0
    """Share of messages, 0 to 1, that are compared with a second mirror."""
    max_unchecked: int = 1000
    """Messages of the sample that wait for the second mirror."""
    max_distrusted: int = 10_000
    """Topics for which it is kept which mirrors lied about them."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """The names are those of the `[mirror]` section, except that subscriptions have back-off and pace from there."""

    calls_per_connection: int = 4
    """A mirror carries five a connection and leaves the sixth waiting for ever, without a word."""
    max_connections: int = 32
    stream_timeout_s: float = 240.0
    """A subscription is renewed after so long, and half as much again at random."""
    stream_idle_s: float = 120.0
    """A subscription that is silent for so long is renewed, and REST is asked whether anything was missed."""
    request_timeout_s: float = 10.0
    backoff_initial_s: float = 0.25
    backoff_max_s: float = 8.0
    max_requests_per_s: float = 20.0

    def __post_init__(self) -> None:
        if not 1 <= self.calls_per_connection <= 5:
            raise ValueError(f"a mirror answers 1 to 5 calls a connection, not {self.calls_per_connection}")
