"""The HTTP door described as OpenAPI 3.1, for people's tools; a test holds it against the routes and their answers."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from bridge.gateway.console_operations import CONSOLE_ROUTES
from bridge.gateway.operations import REFUSAL, ROUTES, TEXT, Route

METRICS = Route(
    "get", "/metrics", "metrics:read", "Figures for Prometheus, in its text format", 200, TEXT, media="text/plain"
)
EVERY_ROUTE = (*ROUTES, *CONSOLE_ROUTES, METRICS)


@cache
def document() -> dict[str, Any]:
    """The whole document. Not to be changed: it is the same object each time."""
    paths: dict[str, dict[str, Any]] = {}
    for route in EVERY_ROUTE:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "hcs-bridge", "version": version("hcs-bridge"), "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": {"Refusal": REFUSAL},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "an API key"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    refusals = {503} | {status for status in route.others if status >= 400}
    if route.scope is not None:
        refusals |= {401, 403, 429}
    if route.body is not None:
        refusals |= {400, 408, 413, 422}
    if route.query is not None:
        refusals |= {422}
    succeeded = [route.status, *(status for status in route.others if status < 400)]
    operation: dict[str, Any] = {
        "summary": route.summary,
        "responses": {str(status): _response(route.summary, route.answer, route.media) for status in succeeded}
        | {str(status): _response("Refused", {"$ref": "#/components/schemas/Refusal"}) for status in sorted(refusals)},
        "parameters": [*_parameters(route)],
    }
    if route.scope is not None:
        operation |= {"security": [{"key": []}], "description": f"Scope `{route.scope}`."}
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": route.body}}}
    return operation


def _response(description: str, schema: dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": schema}}}


def _parameters(route: Route) -> list[dict[str, Any]]:
    named = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    found = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in named]
    found += [{"name": name, "in": "query", "schema": schema} for name, schema in (route.query or {}).items()]
    if route.idempotent:
        schema = {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$"}
        found.append({"name": "Idempotency-Key", "in": "header", "schema": schema})
    return found
