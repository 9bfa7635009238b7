"""Which network, who pays there, and how it is written to and read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, model_validator

from bridge.config_rules import Account, Address, Amount, Count, Seconds, Section, WebUrl
from topics.networks import PUBLIC
from topics.values import AccountId

DEVNET_NODES = ((AccountId(0, 0, 3), "127.0.0.1:50211"), (AccountId(0, 0, 4), "127.0.0.1:50212"))
DEVNET_MIRROR_URL = "http://127.0.0.1:5551"
DEVNET_MIRROR_STREAMS = "127.0.0.1:5600"
DEVNET_DIRECTORY = Path("var/devnet")


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
    foreign_interval_s: Annotated[float, Field(ge=0)] = 0.0
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
