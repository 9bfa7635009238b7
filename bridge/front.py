"""The two doors, over what is behind them: for backends over HTTP, for browsers over WebSocket."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from bridge.config import Config
from bridge.doors import Backend, ChannelHistory
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.auth import Authenticator
from bridge.gateway.certificate import Certificate
from bridge.gateway.clients import Clients
from bridge.gateway.hub import Hub
from bridge.gateway.presence import Presence
from bridge.gateway.server import PATH, GatewayServer
from bridge.gateway.shared import Rooms
from bridge.gateway.tokens.revocations import Revocations
from bridge.intake.reader import Reader
from bridge.room_settings import authenticator, gateway_settings, http_settings, source_settings
from bridge.storage import Storage, now_ms, steady_ms


@dataclass(frozen=True, slots=True)
class Front:
    """Both doors, with what they work with. `tls` has the certificate of each that does TLS itself, by its section."""

    backend: Backend
    authenticator: Authenticator
    gateway: GatewayServer
    api: ApiServer
    tls: Mapping[str, Certificate]
    clients: Clients

    async def start(self, held: Mapping[str, socket.socket], *, gateway: bool = True) -> None:
        """Listen; `held` are the ports that systemd has open for us. Raises AddressUnusable."""
        if gateway:
            await self.gateway.start(held.get("gateway"))
        await self.api.start(held.get("http"))
        self.gateway.allow(self.api.origins)

    def urls(self, config: Config) -> tuple[str, str]:
        """Where the HTTP door is, and where the gateway, once started; nowhere if this daemon has none."""
        secure = {door: "s" if door in self.tls else "" for door in ("http", "gateway")}
        return (
            f"http{secure['http']}://{config.http.host}:{self.api.port}",
            f"ws{secure['gateway']}://{config.gateway.host}:{self.gateway.port}{PATH}"
            if "gateway" in config.daemon.roles
            else "",
        )


async def front(
    storage: Storage, backend: Backend, hub: Hub, parts: Parts, *, history: ChannelHistory, revocations: Revocations
) -> Front:
    """Both doors; `parts` is what is behind them beside the gateway's own. Raises ConfigInvalid."""
    config = storage.config
    tokens = authenticator(config, revocations)
    rooms = Rooms(hub, Presence(), history, tokens, history.owner_of, now_ms, steady_ms)
    tls = _certificates(config)
    contexts = {door: certificate.context for door, certificate in tls.items()}
    gateway = GatewayServer(gateway_settings(config), rooms, ssl=contexts.get("gateway"))
    parts = replace(parts, realtime=(rooms, lambda: gateway.limits), streams=(rooms, gateway))
    api = ApiServer(http_settings(config), backend, now_ms=steady_ms, parts=parts, ssl=contexts.get("http"))
    return Front(backend, tokens, gateway, api, tls, rooms.clients)


def readers(config: Config, backend: Backend) -> list[Reader]:
    """The third door: one for each application's database that rows are taken from. Raises ConfigInvalid."""
    sources = source_settings(config)
    if not sources:
        return []
    try:
        from bridge.intake import postgres  # noqa: PLC0415 # psycopg need not be installed
    except ImportError:
        rule = "needs psycopg: pip install 'hcs-bridge[postgresql]'"
        raise ConfigInvalid([ConfigProblem("configuration", "ingest.postgres", sources[0].name, rule)]) from None
    for index, source in enumerate(sources):
        postgres.check_url(source.url, key=f"ingest.postgres.{index}.url")
    return [
        Reader(source, partial(backend.take, source=source.name), partial(postgres.opened, source))
        for source in sources
    ]


def _certificates(config: Config) -> dict[str, Certificate]:
    """Of the doors that do TLS themselves. Raises ConfigInvalid."""
    return {
        door: Certificate(section.tls_certificate_file, section.tls_key_file, section=door)
        for door, section in (("http", config.http), ("gateway", config.gateway))
        if section.tls_certificate_file is not None and section.tls_key_file is not None
    }
