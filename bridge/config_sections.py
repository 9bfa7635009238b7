"""The sections of the configuration: each key with its type and default.

`config.toml` says in words what a key is for, and names the same defaults (a test compares them).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from bridge.config_rules import (
    Account,
    Address,
    Amount,
    Budget,
    Count,
    DatabaseUrl,
    EventName,
    FieldName,
    Name,
    OptionalPath,
    Origin,
    Port,
    Seconds,
    Section,
    WebUrl,
    distinct_names,
)
from topics.networks import PUBLIC
from topics.values import AccountId

DEVNET_NODES = ((AccountId(0, 0, 3), "127.0.0.1:50211"), (AccountId(0, 0, 4), "127.0.0.1:50212"))
DEVNET_MIRROR_URL = "http://127.0.0.1:5551"
DEVNET_MIRROR_STREAMS = "127.0.0.1:5600"
DEVNET_DIRECTORY = Path("var/devnet")
CHUNK_BYTES = 1024  # what HCS takes in one transaction

Scope = Literal["events:write", "events:read", "campaigns:write", "campaigns:read", "outbox:write"]
ALL_SCOPES: tuple[Scope, ...] = ("events:write", "events:read", "campaigns:write", "campaigns:read", "outbox:write")


class Node(Section):
    """A consensus node: its account, and host:port of its gRPC side."""

    account: Account
    address: Address


class Network(Section):
    """Which network, and how to reach its nodes; none given are those that go with the name."""

    name: Literal["devnet", "mainnet", "testnet", "previewnet", "custom"] = "devnet"
    nodes: tuple[Node, ...] = Field(default=(), min_length=1, validate_default=True)
    tls: Literal["auto", "on", "off"] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _nodes_by_name(cls, given: dict[str, Any]) -> dict[str, Any]:
        name, tls = given.get("name", "devnet"), given.get("tls", "auto")
        if given.get("nodes") or not isinstance(name, str):
            return given
        known = list(DEVNET_NODES) if name == "devnet" else []
        if name in PUBLIC:
            known = PUBLIC[name].nodes(tls=tls != "off")
        return given | {"nodes": tuple({"account": account, "address": address} for account, address in known)}

    @property
    def looks_up_nodes(self) -> bool:
        """Whether the nodes are a public network's first ones, and so to be looked up in its address book."""
        named = [(node.account, node.address) for node in self.nodes]
        return self.name in PUBLIC and named == PUBLIC[self.name].nodes(tls=self.uses_tls)

    @property
    def uses_tls(self) -> bool:
        """Whether nodes are called over TLS: with "auto" those of the public networks are."""
        return self.tls == "on" or (self.tls == "auto" and self.name in PUBLIC)


class Operator(Section):
    """Who pays. `key` comes from the environment only, and goes before `key_file`."""

    account: Account = AccountId(0, 0, 1001)
    key_file: Path = DEVNET_DIRECTORY / "operator.key"
    key_kind: Literal["ed25519", "ecdsa"] = "ed25519"
    key: SecretStr | None = None


class Ledger(Section):
    """How transactions reach the nodes."""

    backend: Literal["grpc", "hedera-sdk-py"] = "grpc"
    node_number: Annotated[int, Field(ge=0, le=99)] = 0
    valid_duration_s: Annotated[int, Field(ge=15, le=180)] = 120
    max_fee_hbar: Amount = 2.0
    create_max_fee_hbar: Amount = 25.0
    request_timeout_s: Seconds = 10.0
    max_attempts: Count = 10
    backoff_initial_s: Seconds = 0.25
    backoff_max_s: Seconds = 8.0
    receipt_poll_s: Seconds = 0.5
    receipt_grace_s: Seconds = 6.0
    receipt_timeout_s: Seconds = 30.0
    max_query_fee_tinybar: Count = 10_000_000
    max_connections: Count = 8


class Mirror(Section):
    """How what reached consensus is read."""

    urls: tuple[WebUrl, ...] = Field(default=(DEVNET_MIRROR_URL,), min_length=1)
    poll_interval_s: Seconds = 0.5
    request_timeout_s: Seconds = 10.0
    max_attempts: Count = 5
    max_requests_per_s: Amount = 40.0
    max_body_bytes: Count = 4_194_304
    backoff_initial_s: Seconds = 0.25
    backoff_max_s: Seconds = 30.0
    max_limited_s: Seconds = 10.0
    max_lag_s: Seconds = 30.0
    check_interval_s: Seconds = 15.0
    cross_check: Annotated[float, Field(ge=0, le=1)] = 0.0
    max_unchecked: Count = 1000
    max_distrusted: Count = 10_000
    streams: bool = True
    grpc_addresses: tuple[Address, ...] = ()
    grpc_tls: Literal["auto", "on", "off"] = "auto"
    calls_per_connection: Annotated[int, Field(ge=1, le=5)] = 4
    max_connections: Count = 32
    stream_timeout_s: Seconds = 240.0
    stream_idle_s: Seconds = 120.0

    @model_validator(mode="after")
    def _second(self) -> Mirror:
        if self.cross_check and len(self.urls) < 2:
            raise ValueError("cross_check compares with a second mirror: name one more in urls, or set it to 0")
        return self

    def uses_tls(self, address: str) -> bool:
        """Whether a gRPC address is called over TLS: with "auto" at port 443."""
        return self.grpc_tls == "on" or (self.grpc_tls == "auto" and address.endswith(":443"))


def with_mirror(given: dict[str, Any]) -> dict[str, Any]:
    """The values of all sections; where no mirror is named, with the one that goes with the network's name.

    And where no gRPC addresses are named, with those of the mirrors whose own are known.
    """
    network, mirror = given.get("network") or {}, given.get("mirror") or {}
    if not isinstance(network, dict) or not isinstance(mirror, dict):
        return given
    urls = mirror.get("urls")
    added: dict[str, tuple[str, ...]] = {}
    if not urls:
        name = network.get("name", "devnet")
        known = {"devnet": DEVNET_MIRROR_URL} | {public: PUBLIC[public].mirror_url for public in PUBLIC}
        urls = added["urls"] = (known[name],) if isinstance(name, str) and name in known else ()
    if not mirror.get("grpc_addresses") and isinstance(urls, list | tuple):
        streams = {DEVNET_MIRROR_URL: DEVNET_MIRROR_STREAMS} | {
            each.mirror_url: each.mirror_streams for each in PUBLIC.values()
        }
        if addresses := tuple(streams[url] for url in urls if isinstance(url, str) and url in streams):
            added["grpc_addresses"] = addresses
    return given | {"mirror": mirror | added} if added else given


class Topics(Section):
    """How a campaign's topic is made."""

    create_on_demand: bool = True
    memo: Annotated[str, Field(max_length=100)] = "hcs-bridge:1"
    auto_renew_s: Annotated[int, Field(ge=2_592_000, le=8_000_001)] = 7_776_000
    admin_key: bool = False
    sign_frames: bool = True
    creations_per_s: Amount = 5.0
    max_creations: Count = 32
    pool_size: Annotated[int, Field(ge=0)] = 0


class Publish(Section):
    """How changes become frames and flights."""

    pad_to: Count = 32
    max_frame_bytes: Annotated[int, Field(ge=CHUNK_BYTES, le=100 * CHUNK_BYTES)] = 20_480
    linger_ms: Annotated[int, Field(ge=0)] = 20
    max_events_per_frame: Annotated[int, Field(ge=1, le=1000)] = 1000
    max_flights: Count = 32
    retry_initial_s: Seconds = 0.5
    retry_max_s: Seconds = 30.0
    drain_timeout_s: Seconds = 10.0


class Budgets(Section):
    """What may be spent, topics included; 0 is no limit. Those of API keys stand with the keys."""

    campaign_hbar: Budget = 0.0
    day_hbar: Budget = 0.0


class DeclaredEvent(Section):
    """An event of the user's own beside the built-in ones: its name, and the fields that may pass."""

    name: EventName
    type: Literal["CAMPAIGN", "BALANCE", "NOTIFICATION"]
    fields: tuple[FieldName, ...]
    to: Literal["campaign", "user"]


class Events(Section):
    """What the door lets in."""

    max_body_bytes: Count = 1_048_576
    max_batch: Count = 1000
    max_payload_bytes: Count = 16_384
    max_json_depth: Annotated[int, Field(ge=1, le=100)] = 16
    declared: tuple[DeclaredEvent, ...] = ()


class Keys(Section):
    """The bridge's own keys."""

    master_key_file: Path = DEVNET_DIRECTORY / "master.key"
    signing_key_file: Path = DEVNET_DIRECTORY / "signing.key"
    recovery_public_key_file: OptionalPath = None
    max_cached: Count = 10_000


class Database(Section):
    """Where state lies."""

    url: DatabaseUrl = "sqlite:///var/hcs-bridge.db"
    max_pending_writes: Count = 10_000
    max_group: Count = 500
    read_threads: Count = 4
    busy_timeout_s: Seconds = 10.0


class ApiKey(Section):
    """A backend's key to the HTTP door: what it may do, and how often."""

    name: Name
    key_file: Path
    scopes: tuple[Scope, ...] = ALL_SCOPES
    rate_per_s: Amount = 100.0
    burst: Count = 200
    budget_hbar: Budget = 0.0


class Http(Section):
    """The door for backends."""

    host: str = "127.0.0.1"
    port: Port = 8780
    max_connections: Count = 1024
    request_timeout_s: Seconds = 30.0
    idempotency_keep_h: Count = 24
    api_keys: Annotated[tuple[ApiKey, ...], AfterValidator(distinct_names)] = (
        ApiKey(name="backend", key_file=DEVNET_DIRECTORY / "api.key"),
    )


class Gateway(Section):
    """The door for browsers."""

    host: str = "127.0.0.1"
    port: Port = 8781
    origins: tuple[Origin, ...] = ()
    max_connections: Count = 20_000
    max_frame_bytes: Count = 65_536
    authenticate_timeout_s: Seconds = 10.0
    ping_interval_s: Seconds = 25.0
    pong_timeout_s: Seconds = 8.0
    expired_grace_s: Seconds = 25.0
    max_pending_bytes: Count = 1_048_576
    max_channels_per_connection: Count = 128
    max_commands_per_s: Amount = 50.0
    recovery_max_publications: Count = 1000
    history_max_publications: Count = 1000
    drain_timeout_s: Seconds = 10.0
    close_timeout_s: Seconds = 5.0
    channel_max_length: Annotated[int, Field(ge=1, le=255)] = 255


class Issuer(Section):
    """Whose tokens are taken: an empty `issuer` or `audience` is not checked."""

    name: Name
    issuer: str = ""
    audience: str = ""
    algorithm: Literal["HS256", "RS256"]
    key_file: Path


class Tokens(Section):
    """How a client's JWT is checked and read."""

    leeway_s: Annotated[int, Field(ge=0, le=300)] = 5
    max_lifetime_s: Count = 900
    user_id_claims: tuple[str, ...] = Field(default=("id", "userId", "sub"), min_length=1)
    campaigns_claim: str = "campaigns"
    role_claim: str = "role"
    roles_see_all: tuple[str, ...] = ()
    issuers: Annotated[tuple[Issuer, ...], AfterValidator(distinct_names)] = Field(
        default=(Issuer(name="development", algorithm="HS256", key_file=DEVNET_DIRECTORY / "token.key"),), min_length=1
    )


class Relay(Section):
    """How frames are put together again from chunks."""

    max_open_bytes: Count = 4_194_304
    expire_sequences: Count = 1000
    expire_s: Seconds = 600.0
    batch_messages: Count = 100
    max_parallel_topics: Count = 16
    max_open_topics: Count = 10_000


class Log(Section):
    """What is told, and in which form."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Doctor(Section):
    """How long `hcs-bridge doctor` waits, and from where on it warns."""

    timeout_s: Seconds = 15.0
    low_balance_events: Count = 10_000
    low_disk_bytes: Count = 1_073_741_824
    max_clock_skew_s: Seconds = 2.0
    max_mirror_lag_s: Seconds = 60.0
    shared_payer_s: Seconds = 3600.0
