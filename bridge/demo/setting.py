"""A configuration for a devnet on this machine: ports that are free, with keys and state in a folder of its own."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.config import Config, load, variable
from topics.values import AccountId

HOST = "127.0.0.1"
API_RATE_PER_S = 10_000.0


def demo_config(
    path: Path | None,
    state: Path,
    *,
    nodes: Mapping[AccountId, str],
    mirror_url: str,
    operator: AccountId,
    mirror_grpc_address: str = "",
) -> Config:
    """The file at `path` (None: the defaults) with the devnet's addresses, and what it writes below `state`."""
    shipped = load(path, {})
    ports = free_port(shipped.http.port), free_port(shipped.gateway.port)
    values = devnet_values(
        state,
        nodes=nodes,
        mirror_url=mirror_url,
        operator=operator,
        ports=ports,
        mirror_grpc_address=mirror_grpc_address,
    )
    pages = [f"http://{host}:{ports[0]}" for host in (HOST, "localhost")]
    return load(path, environment(values | {"gateway.origins": pages, "log.level": "warning"}))


def devnet_values(
    state: Path,
    *,
    nodes: Mapping[AccountId, str],
    mirror_url: str,
    operator: AccountId,
    ports: tuple[int, int],
    mirror_grpc_address: str = "",
) -> dict[str, Any]:
    """What a daemon needs to be told of a devnet, by dotted key. `ports` are those of its HTTP door and its gateway.

    Without the mirror's gRPC side everything comes by REST.
    """
    api_key = {"name": "demo", "key_file": str(state / "api.key"), "rate_per_s": API_RATE_PER_S, "burst": 10_000}
    issuer = {"name": "demo", "algorithm": "HS256", "key_file": str(state / "token.key")}
    return {
        "network.name": "devnet",
        "network.nodes": [{"account": str(account), "address": at} for account, at in nodes.items()],
        "operator.account": str(operator),
        "operator.key_file": str(state / "operator.key"),
        "mirror.urls": [mirror_url],
        "mirror.grpc_addresses": [mirror_grpc_address] if mirror_grpc_address else [],
        "keys.master_key_file": str(state / "master.key"),
        "keys.signing_key_file": str(state / "signing.key"),
        "database.url": f"sqlite:///{state / 'hcs-bridge.db'}",
        "http.host": HOST,
        "http.port": ports[0],
        "http.api_keys": [api_key],
        "gateway.host": HOST,
        "gateway.port": ports[1],
        "tokens.issuers": [issuer],
    }


def environment(values: Mapping[str, Any]) -> dict[str, str]:
    """The same as environment variables."""
    return {variable(key): value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else any port that is free now."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return 0
