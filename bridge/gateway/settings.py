"""The settings of the gateway's rooms, as they are handed in; what a key means stands in config.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bridge.protocol.realtime.limits import SessionLimits

Algorithm = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"
]


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The WebSocket door. `origins` lists whole origins, such as `https://app.example.org`, that browsers may have.

    With `plain_socket_key`, 32 bytes, what the plain socket says is encrypted (bridge.protocol.realtime.cbc).
    """

    host: str = "127.0.0.1"
    port: int = 8781
    origins: tuple[str, ...] = ()
    cookie: str = "access_token"
    query_token: bool = False
    plain_socket: bool = False
    plain_socket_key: bytes = field(default=b"", repr=False)
    trusted_proxies: tuple[str, ...] = ()
    max_connections: int = 20_000
    max_connections_per_user: int = 100
    max_connections_per_address: int = 10_000
    max_frame_bytes: int = 65_536
    max_handshakes: int = 4096
    authenticate_timeout_s: float = 10.0
    ping_interval_s: float = 25.0
    pong_timeout_s: float = 8.0
    expired_grace_s: float = 25.0
    max_pending_bytes: int = 1_048_576
    compression: bool = False
    max_channels_per_connection: int = 128
    max_commands_per_s: float = 50.0
    recovery_max_publications: int = 1000
    history_max_publications: int = 1000
    presence_max_clients: int = 1000
    drain_timeout_s: float = 10.0
    close_timeout_s: float = 5.0
    channel_max_length: int = 255
    proof_max_messages: int = 200
    key_requests_per_s: float = 10.0
    key_requests_burst: int = 200
    key_requests_max_users: int = 10_000

    def session_limits(self) -> SessionLimits:
        """What of this bounds one session. A reply may fill half of what may be pending, so that none cuts itself."""
        return SessionLimits(
            authenticate_timeout_ms=round(self.authenticate_timeout_s * 1000),
            ping_interval_ms=round(self.ping_interval_s * 1000),
            pong_timeout_ms=round(self.pong_timeout_s * 1000),
            expired_grace_ms=round(self.expired_grace_s * 1000),
            max_channels=self.max_channels_per_connection,
            channel_max_length=self.channel_max_length,
            max_commands_per_s=self.max_commands_per_s,
            recovery_max_publications=self.recovery_max_publications,
            history_max_publications=self.history_max_publications,
            max_reply_bytes=self.max_pending_bytes // 2,
        )


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are taken, with one algorithm. `keys` maps a key id to a secret (HS…), or to a public key as PEM,
    JWK or JWK set; ids in a set go before.

    A key under "" serves tokens without a `kid`, and, where it is the only key, those with any. An empty `issuer`
    or `audience` is not checked. With `keys_url` the keys are there, and `password` opens it where it is a Redis.
    """

    name: str
    algorithm: Algorithm
    keys: Mapping[str, bytes] = field(default_factory=dict)
    issuer: str = ""
    audience: str = ""
    keys_url: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """How a client's token is checked and read."""

    issuers: tuple[Issuer, ...]
    leeway_s: int = 5
    max_lifetime_s: int = 900
    user_id_claims: tuple[str, ...] = ("id", "userId", "sub")
    campaigns_claim: str = "campaigns"
    role_claim: str = "role"
    roles_see_all: tuple[str, ...] = ()
    subs_claims: tuple[str, ...] = ("channels", "subs")
    channel_claim: str = "channel"
    required_claims: tuple[str, ...] = ()
    keys_refresh_s: float = 600.0
    keys_retry_s: float = 10.0
    keys_stale_s: float = 86_400.0
    keys_timeout_s: float = 5.0
    keys_max_bytes: int = 262_144
    max_revocations: int = 10_000
    ticket_lifetime_s: float = 30.0
    max_tickets: int = 10_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A backend's key to the HTTP door: what it may do, and how many requests it may make."""

    name: str
    secret: str
    scopes: frozenset[str]
    rate_per_s: float = 100.0
    burst: float = 200


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The HTTP door."""

    host: str = "127.0.0.1"
    port: int = 8780
    api_keys: tuple[ApiKey, ...] = ()
    max_connections: int = 1024
    max_body_bytes: int = 1_048_576
    request_timeout_s: float = 30.0
    idle_timeout_s: float = 75.0
