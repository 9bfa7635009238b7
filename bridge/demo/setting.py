"""The configuration of a demo: the shipped one, on ports that are free, with keys and state in a folder of its own."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

from bridge.config import Config, load, variable
from topics.values import AccountId

HOST = "127.0.0.1"
API_RATE_PER_S = 1000.0


def demo_config(
    path: Path | None, state: Path, *, nodes: Mapping[AccountId, str], mirror_url: str, operator: AccountId
) -> Config:
    """The file at `path` (None: the defaults) with the devnet's addresses, and what it writes below `state`."""
    shipped = load(path, {})
    http_port = free_port(shipped.http.port)
    gateway_port = free_port(shipped.gateway.port)
    api_key = {"name": "demo", "key_file": str(state / "api.key"), "rate_per_s": API_RATE_PER_S, "burst": 1000}
    issuer = {"name": "demo", "algorithm": "HS256", "key_file": str(state / "token.key")}
    overrides = {
        "network.name": "devnet",
        "network.nodes": json.dumps([{"account": str(account), "address": at} for account, at in nodes.items()]),
        "operator.account": str(operator),
        "operator.key_file": str(state / "operator.key"),
        "mirror.urls": mirror_url,
        "keys.master_key_file": str(state / "master.key"),
        "keys.signing_key_file": str(state / "signing.key"),
        "database.url": f"sqlite:///{state / 'hcs-bridge.db'}",
        "http.host": HOST,
        "http.port": str(http_port),
        "http.api_keys": json.dumps([api_key]),
        "gateway.host": HOST,
        "gateway.port": str(gateway_port),
        "gateway.origins": f"http://{HOST}:{http_port},http://localhost:{http_port}",
        "tokens.issuers": json.dumps([issuer]),
        "log.level": "warning",
    }
    return load(path, {variable(key): value for key, value in overrides.items()})


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
