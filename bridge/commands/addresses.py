"""Where the daemon of a configuration is to be called from this machine."""

from __future__ import annotations

import ssl
from pathlib import Path

from bridge.commands.exits import USAGE, CommandFailed
from bridge.config import Config

GATEWAY_PATH = "/connection/websocket"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 # listened on, but can't be called


def http_url(config: Config) -> str:
    """Base URL of the HTTP door."""
    scheme = "http" if config.http.tls_certificate_file is None else "https"
    return f"{scheme}://{_host(config.http.host)}:{config.http.port}"


def gateway_url(config: Config) -> str:
    """WebSocket URL of the gateway."""
    scheme = "ws" if config.gateway.tls_certificate_file is None else "wss"
    return f"{scheme}://{_host(config.gateway.host)}:{config.gateway.port}{GATEWAY_PATH}"


def trust(certificate_file: Path | None) -> ssl.SSLContext | None:
    """What a door here is known by: its own certificate, whose names needn't be those that it has on this machine.

    None where it has none. Raises CommandFailed.
    """
    if certificate_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(certificate_file)
    except OSError as error:  # ssl.SSLError is one
        raise CommandFailed(f"{certificate_file} can't be used: {error.strerror}", code=USAGE) from error
    return context


def _host(listened: str) -> str:
    host = EVERYWHERE.get(listened, listened)
    return f"[{host}]" if ":" in host else host
