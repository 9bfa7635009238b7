"""What leaves the HTTP door: JSON that nobody keeps, and refusals in their one shape."""

from __future__ import annotations

import msgspec
from aiohttp import web

from bridge.gateway.faults import Fault
from bridge.protocol.values import JSON


def answer(body: JSON, *, status: int = 200) -> web.Response:
    """A body as JSON, for this request alone."""
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json", headers=headers)


def refusal(fault: Fault) -> web.Response:
    """A fault, with its headers."""
    response = answer(fault.as_json(), status=fault.status)
    response.headers.update(fault.headers)
    return response
