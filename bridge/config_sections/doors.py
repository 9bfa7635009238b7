"""Who may come in: backends over HTTP, browsers over WebSocket, and with which keys and tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from bridge.config_rules import (
    Amount,
    Budget,
    CookieName,
    Count,
    IpNetwork,
    KeysUrl,
    Name,
    OptionalPath,
    Origin,
    Port,
    Seconds,
    Section,
    distinct_names,
)
from bridge.config_sections.network import DEVNET_DIRECTORY

Scope = Literal[
    "events:write",
    "events:read",
    "campaigns:write",
    "campaigns:read",
    "outbox:write",
    "clients:write",
    "clients:read",
    "history:read",
    "tickets:write",
    "keys:write",
    "console:read",
    "metrics:read",
]
ALL_SCOPES: tuple[Scope, ...] = get_args(Scope)


class ApiKey(Section):
    """A backend's key to the HTTP door: what it may do, and how often."""

    name: Name
    key_file: Path
    scopes: tuple[Scope, ...] = ALL_SCOPES
    rate_per_s: Amount = 100.0
    burst: Count = 200
    budget_hbar: Budget = 0.0


class Listener(Section):
    """What listens, with TLS of its own or without."""

    tls_certificate_file: OptionalPath = None
    tls_key_file: OptionalPath = None

    @model_validator(mode="after")
    def _both_files(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("needs tls_certificate_file and tls_key_file, or neither")
        return self


class Http(Listener):
    """The door for backends."""

    host: str = "127.0.0.1"
    port: Port = 8780
    max_connections: Count = 1024
    request_timeout_s: Seconds = 30.0
    idle_timeout_s: Seconds = 75.0
    idempotency_keep_h: Count = 24
    api_keys: Annotated[tuple[ApiKey, ...], AfterValidator(distinct_names)] = (
        ApiKey(name="backend", key_file=DEVNET_DIRECTORY / "api.key"),
    )


class Gateway(Listener):
    """The door for browsers."""

    host: str = "127.0.0.1"
    port: Port = 8781
    origins: tuple[Origin, ...] = ()
    cookie: CookieName = "access_token"
    query_token: bool = False
    plain_socket: bool = False
    plain_socket_key_file: OptionalPath = None
    trusted_proxies: tuple[IpNetwork, ...] = ()
    max_connections: Count = 20_000
    max_connections_per_user: Count = 100
    max_connections_per_address: Count = 10_000
    max_frame_bytes: Count = 65_536
    max_handshakes: Count = 4096
    authenticate_timeout_s: Seconds = 10.0
    ping_interval_s: Seconds = 25.0
    pong_timeout_s: Seconds = 8.0
    expired_grace_s: Seconds = 25.0
    max_pending_bytes: Count = 1_048_576
    compression: bool = False
    max_channels_per_connection: Count = 128
    max_commands_per_s: Amount = 50.0
    recovery_max_publications: Count = 1000
    history_max_publications: Count = 1000
    presence_max_clients: Annotated[int, Field(ge=0)] = 1000
    drain_timeout_s: Seconds = 10.0
    close_timeout_s: Seconds = 5.0
    channel_max_length: Annotated[int, Field(ge=1, le=255)] = 255
    proof_max_messages: Count = 200
    proof_cache_messages: Count = 10_000
    proof_max_requests: Count = 4
    key_requests_per_s: Amount = 10.0
    key_requests_burst: Count = 200
    key_requests_max_users: Count = 10_000


class Issuer(Section):
    """Whose tokens are taken: an empty `issuer` or `audience` is not checked."""

    name: Name
    issuer: str = ""
    audience: str = ""
    algorithm: Literal[
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"
    ]
    key_file: OptionalPath = None
    keys_url: KeysUrl = ""

    @property
    def key_is_secret(self) -> bool:
        """Whether the key file must be closed to others: a shared secret, or a password."""
        return self.algorithm.startswith("HS") or bool(self.keys_url)

    @model_validator(mode="after")
    def _keys_from_one_place(self) -> Issuer:
        if self.keys_url and self.algorithm.startswith("HS"):
            raise ValueError("keys_url is for public keys: give a shared secret as key_file")
        if self.keys_url and not self.issuer:
            raise ValueError("keys_url needs issuer, the `iss` whose keys are there")
        if self.key_file is None and not self.keys_url:
            raise ValueError("needs key_file or keys_url")
        if self.key_file is not None and self.keys_url.startswith("http"):
            raise ValueError("has key_file and keys_url; give one of them")
        return self


class Tokens(Section):
    """How a client's JWT is checked and read."""

    leeway_s: Annotated[int, Field(ge=0, le=300)] = 5
    max_lifetime_s: Count = 900
    user_id_claims: tuple[str, ...] = Field(default=("id", "userId", "sub"), min_length=1)
    campaigns_claim: str = "campaigns"
    subs_claims: tuple[str, ...] = ("channels", "subs")
    channel_claim: Annotated[str, Field(min_length=1)] = "channel"
    required_claims: tuple[str, ...] = ()
    role_claim: str = "role"
    roles_see_all: tuple[str, ...] = ()
    keys_refresh_s: Seconds = 600.0
    keys_retry_s: Seconds = 10.0
    keys_stale_s: Seconds = 86_400.0
    keys_timeout_s: Seconds = 5.0
    keys_max_bytes: Count = 262_144
    max_revocations: Count = 10_000
    ticket_lifetime_s: Seconds = 30.0
    max_tickets: Count = 10_000
    issuers: Annotated[tuple[Issuer, ...], AfterValidator(distinct_names)] = Field(
        default=(Issuer(name="development", algorithm="HS256", key_file=DEVNET_DIRECTORY / "token.key"),), min_length=1
    )
