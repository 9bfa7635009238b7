"""The stage on which the public clients play: a gateway behind a relay that can be cut, and what they may ask of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.connection import Connection
from bridge.gateway.server import PATH
from bridge.gateway.settings import HttpSettings
from bridge.protocol.realtime.codes import DISCONNECTS, UNSUBSCRIBES
from tests.bridge.gateway.gateway_fixture import Running, now_ms, running_gateway
from tests.bridge.gateway.memory_backend import MemoryBackend
from tests.integration.cuttable import Cuttable

DISCONNECT = {code.code: code for code in DISCONNECTS}
UNSUBSCRIBE = {code.code: code for code in UNSUBSCRIBES}


class Stage:
    """What the clients' scripts may ask for, by name. `protobuf` is how the Python ones are to speak."""

    protobuf = False

    def __init__(self, gateway: Running, relay: Cuttable) -> None:
        self.gateway = gateway
        self.url = f"ws://127.0.0.1:{relay.port}{PATH}"
        publisher, history, each = gateway.publisher, gateway.history, self._each
        self._actions: dict[str, Callable[..., Any]] = {
            "token": lambda lives_s, claims: gateway.token(**({"lives_s": lives_s} | claims)),
            "confirm": lambda channel, offset, n: publisher.confirm(channel, offset, n=n),
            "provisional": lambda channel, n: publisher.provisional(channel, n=n),
            "cut": relay.cut,
            "mend": relay.mend,
            "new epoch": lambda: setattr(history, "epoch", "0.0.1002-000000"),
            "unsubscribe": lambda user, channel, code: each(user, Connection.revoke, channel, UNSUBSCRIBE[code]),
            "disconnect": lambda user, code: each(user, Connection.disconnect, DISCONNECT[code]),
            "message": lambda user, data: each(user, Connection.send, data.encode()),
        }

    def do(self, action: str, *arguments: Any) -> Any:
        """Do it at once."""
        return self._actions[action](*arguments)

    def _each(self, user: str, call: Callable[..., Any], *arguments: Any) -> None:
        for connection in self.gateway.rooms.clients.of_user(user):
            call(connection, *arguments)


@asynccontextmanager
async def staged(**changes: Any) -> AsyncIterator[Stage]:
    """A stage with short times; `changes` are settings of the gateway."""
    async with (
        running_gateway(**{"ping_interval_s": 1, "expired_grace_s": 1, **changes}) as gateway,
        Cuttable(gateway.server.port) as relay,
    ):
        yield Stage(gateway, relay)


@asynccontextmanager
async def staged_over_http(**changes: Any) -> AsyncIterator[Stage]:
    """The same, for clients who come by the HTTP door: the stage's url is that of its streams."""
    async with running_gateway(**{"ping_interval_s": 1, "expired_grace_s": 1, **changes}) as gateway:
        parts = Parts(streams=(gateway.rooms, gateway.server))
        api = ApiServer(HttpSettings(port=0), MemoryBackend(), now_ms=now_ms, parts=parts)
        await api.start()
        try:
            async with Cuttable(api.port) as relay:
                stage = Stage(gateway, relay)
                stage.url = f"http://127.0.0.1:{relay.port}/connection/http_stream"
                yield stage
        finally:
            await api.stop()
