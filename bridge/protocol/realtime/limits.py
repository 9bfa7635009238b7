"""The numbers that bound one client's session."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol.realtime.rate import TokenBucket


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Precedents: Centrifugo pings every 25 s, waits 8 s for the pong, and 25 s past expiry for a new token."""

    authenticate_timeout_ms: int = 10_000
    ping_interval_ms: int = 25_000
    pong_timeout_ms: int = 8_000
    expired_grace_ms: int = 25_000
    max_channels: int = 128
    channel_max_length: int = 255
    max_commands_per_s: float = 50.0
    recovery_max_publications: int = 1000
    history_max_publications: int = 1000
    max_reply_bytes: int = 524_288

    @property
    def command_burst(self) -> float:
        """A client that comes back connects and asks for all its channels at once."""
        return self.max_commands_per_s + self.max_channels

    def commands(self, now_ms: int) -> TokenBucket:
        """So many commands of a client."""
        return TokenBucket(self.max_commands_per_s, self.command_burst, now_ms=now_ms)
