"""The two doors, over what is behind them: for backends over HTTP, for browsers over WebSocket."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from bridge.config import Config
from bridge.doors import Backend
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.auth import Authenticator
from bridge.gateway.certificate import Certificate
from bridge.gateway.server import PATH, GatewayServer
from bridge.gateway.shared import Rooms
from bridge.intake.reader import Reader
from bridge.room_settings import gateway_settings, http_settings, source_settings, stream_settings
from bridge.storage import Storage, steady_ms


@dataclass(frozen=True, slots=True)
class Front:
    """Both doors, with what they work with. `tls` has the certificate of each that does TLS itself, by its section."""

    backend: Backend
    authenticator: Authenticator
    gateway: GatewayServer
    api: ApiServer
    tls: Mapping[str, Certificate]

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


def front(storage: Storage, backend: Backend, rooms: Rooms, parts: Parts) -> Front:
    """Both doors; `parts` is what is behind them beside the gateway's own `rooms`. Raises ConfigInvalid."""
    config = storage.config
    tls = _certificates(config)
    contexts = {door: certificate.context for door, certificate in tls.items()}
    gateway = GatewayServer(gateway_settings(config), rooms, ssl=contexts.get("gateway"))
    parts = replace(parts, realtime=(rooms, lambda: gateway.limits), streams=(rooms, gateway))
    api = ApiServer(http_settings(config), backend, now_ms=steady_ms, parts=parts, ssl=contexts.get("http"))
    return Front(backend, rooms.authenticator, gateway, api, tls)


def readers(config: Config, backend: Backend) -> list[Reader]:
    """The third door: one for each application's database, or stream, that is read. Raises ConfigInvalid."""
    return [*_of_databases(config, backend), *_of_streams(config, backend)]


def _of_streams(config: Config, backend: Backend) -> list[Reader]:
    sources = stream_settings(config)
    if not sources:
        return []
    try:
        from bridge.intake import stream  # noqa: PLC0415 # its library is an extra
    except ImportError:
        rule = "needs pip install 'hcs-bridge[redis]'"
        raise ConfigInvalid([ConfigProblem("configuration", "ingest.redis", sources[0].name, rule)]) from None
    return [
        Reader(source, partial(backend.take, source=source.name), partial(stream.opened, source)) for source in sources
    ]


def _of_databases(config: Config, backend: Backend) -> list[Reader]:
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
