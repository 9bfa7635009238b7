"""Where the daemon of a configuration is to be called from this machine."""

from __future__ import annotations

from bridge.config import Config

GATEWAY_PATH = "/connection/websocket"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 # listened on, but can't be called


def http_url(config: Config) -> str:
    """Base URL of the HTTP door."""
    return f"http://{_host(config.http.host)}:{config.http.port}"


def gateway_url(config: Config) -> str:
    """WebSocket URL of the gateway."""
    return f"ws://{_host(config.gateway.host)}:{config.gateway.port}{GATEWAY_PATH}"


def _host(listened: str) -> str:
    host = EVERYWHERE.get(listened, listened)
    return f"[{host}]" if ":" in host else host
