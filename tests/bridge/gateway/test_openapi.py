"""The document names every route of the door, and no other."""

from __future__ import annotations

from typing import Any

from bridge.config_sections import ALL_SCOPES
from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.openapi import EVERY_ROUTE, document
from bridge.gateway.settings import GatewaySettings, HttpSettings
from bridge.protocol.values import JSON
from tests.bridge.gateway.gateway_fixture import Running, now_ms
from tests.bridge.gateway.memory_backend import MemoryBackend
from tests.bridge.gateway.memory_console import MemoryConsole
from tests.bridge.gateway.memory_granting import MemoryGranting, MemoryProofs
from tests.bridge.gateway.test_admin import MemoryDesk
from tests.bridge.gateway.test_key_admin import MemoryKeyDesk

PROTOCOL = {("post", "/connection/http_stream"), ("post", "/emulation")}
"""Centrifugo's client protocol over HTTP (docs/client.md), which is no API of ours."""


def test_every_route_and_no_other() -> None:
    gateway, backend = Running(GatewaySettings()), MemoryBackend()
    realtime = (gateway.rooms, gateway.settings.session_limits)
    streams = (gateway.rooms, gateway.server)
    parts = Parts(
        desk=MemoryDesk(backend),
        realtime=realtime,
        streams=streams,
        readiness=all_is_well,
        keys=MemoryKeyDesk(),
        proofs=MemoryProofs(),
        granting=MemoryGranting(),
        console=MemoryConsole(),
        metrics=lambda _: no_metrics,
    )
    router = ApiServer(HttpSettings(), backend, now_ms=now_ms, parts=parts).application().router
    served = {(route.method.lower(), route.resource.canonical) for route in router.routes() if route.resource}
    documented = {(method, path) for path, operations in paths().items() for method in operations}
    assert documented == {(method, path) for method, path in served if method not in ("head", "options")} - PROTOCOL


def test_each_says_which_scope_it_asks_for() -> None:
    scopes = {route.scope for route in EVERY_ROUTE}
    assert scopes - {None} == set(ALL_SCOPES)
    for route in EVERY_ROUTE:
        operation = paths()[route.path][route.method]
        assert ("security" in operation) is (route.scope is not None)
        assert route.scope is None or ("401" in operation["responses"] and route.scope in operation["description"])


async def all_is_well() -> JSON:
    return {}


async def no_metrics() -> bytes:
    return b""


def paths() -> dict[str, Any]:
    found = document()["paths"]
    assert isinstance(found, dict)
    return found
