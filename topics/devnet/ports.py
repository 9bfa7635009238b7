"""The ports that the embedded network listens on."""

from __future__ import annotations

import grpc
from aiohttp import web

from topics.errors import TopicsError


class PortTaken(TopicsError):
    """Nothing was started: somebody else listens there, or the host isn't ours."""

    hint = "choose another port, or 0 for a free one"

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        self.reason = reason
        super().__init__(f"can't listen on {host}:{port}: {reason}")


def grpc_server(*options: tuple[str, int]) -> grpc.aio.Server:
    """A server that doesn't share its port with another process, as gRPC otherwise would. `options` are gRPC's."""
    return grpc.aio.server(options=[("grpc.so_reuseport", 0), *options])


def listen_grpc(server: grpc.aio.Server, host: str, port: int) -> int:
    """Bind before the server starts; the port comes back. Raises PortTaken."""
    try:
        return server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise PortTaken(host, port, "the port is taken") from error


async def listen_http(runner: web.AppRunner, host: str, port: int) -> int:
    """Bind and serve; the port comes back. Raises PortTaken."""
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise PortTaken(host, port, error.strerror or str(error)) from error
    # A host name may stand for several addresses; the first one's port is as good as any.
    return int(runner.addresses[0][1])
