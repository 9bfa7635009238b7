"""Whether the two doors can be opened, or stand open already because our own daemon runs."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence

import aiohttp

from bridge.config_sections import Gateway, Http
from bridge.doctor.findings import Finding, failed, ok
from bridge.doctor.ground import Ground
from bridge.gateway.server import PATH

HTTP, GATEWAY = "HTTP door", "gateway"
UPGRADE_REQUIRED = 426
ANY_HOSTS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # read from the configuration


async def ports(ground: Ground) -> Sequence[Finding]:
    """A line for each door."""
    http, gateway = ground.config.http, ground.config.gateway
    if http.port and (http.host, http.port) == (gateway.host, gateway.port):
        text = f"http.port and gateway.port are both {http.port}"
        return [failed(name, text, "give each door a port of its own") for name in (HTTP, GATEWAY)]
    return [
        await _door(HTTP, http, "/healthz", timeout_s=ground.request_timeout_s),
        await _door(GATEWAY, gateway, PATH, timeout_s=ground.request_timeout_s),
    ]


async def _door(name: str, listener: Http | Gateway, path: str, *, timeout_s: float) -> Finding:
    host, port = listener.host, listener.port
    where, section = f"{host}:{port}", "http" if name == HTTP else "gateway"
    if not port:
        return ok(name, f"any free port of {host}")
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            text = f"nothing can listen at {where}: {os.strerror(error.errno) if error.errno else error}"
            return failed(name, text, f"set {section}.host and {section}.port to an address of this machine")
    else:
        server.close()
        return ok(name, f"{where} is free")
    if await _is_ours(listener, path, timeout_s=timeout_s):
        return ok(name, f"our own daemon listens at {where}")
    hint = f"stop it, or set {section}.port to another"
    return failed(name, f"another process listens at {where}", hint)


async def _is_ours(listener: Http | Gateway, path: str, *, timeout_s: float) -> bool:
    """By what only our doors answer to a plain GET."""
    asked = ANY_HOSTS.get(listener.host, listener.host)
    scheme = "http" if listener.tls_certificate_file is None else "https"
    url = f"{scheme}://{f'[{asked}]' if ':' in asked else asked}:{listener.port}{path}"
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, ssl=False) as answer:
            if path == PATH:
                return answer.status == UPGRADE_REQUIRED
            return answer.status == 200 and await answer.json() == {"status": "ok"}
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return False
