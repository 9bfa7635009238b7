"""The HTTP door described as OpenAPI 3.1, for people's tools; a test holds it against the routes and their answers."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

ID = {"type": "string", "pattern": r"^[A-Za-z0-9.~-][A-Za-z0-9_.~-]{0,63}$"}
GIVEN_ID = {"anyOf": [ID, {"type": "integer"}]}  # a backend's ids may be bare big integers
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
USER_CHANNEL = r"^(campaign|user):[A-Za-z0-9.~-][A-Za-z0-9_.~-]{0,63}$"
EVENT_NAME = {"type": "string", "examples": ["CAMPAIGN_STATUS_UPDATE"]}
EVENT_IDS = {"type": "array", "items": TEXT, "minItems": 1}
TIME = {"anyOf": [{"type": "string", "format": "date-time"}, COUNT]}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object of these members and no others."""
    members = required | (optional or {})
    return {"type": "object", "properties": members, "required": [*required], "additionalProperties": False}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


PAYLOAD = {"anyOf": [{"type": "object"}, TEXT]}
EVENT = _object({"event": EVENT_NAME, "payload": PAYLOAD}, {"campaignId": ID, "to": TEXT, "at": TIME})
CAMPAIGN = _object(
    {
        "id": ID,
        "ownerId": _or_null(ID),
        "status": {"enum": ["intended", "created", "ready", "closing", "closed"]},
        "topicId": _or_null(TEXT),
        "sequence": _or_null(COUNT),
    },
    {"stopped": TEXT},
)
EVENT_VIEW = _object(
    {
        "id": TEXT,
        "status": {"enum": ["accepted", "submitted", "confirmed", "parked", "dropped"]},
        "channel": TEXT,
        "acceptedAt": {"type": "string", "format": "date-time"},
    },
    {
        "topicId": TEXT,
        "sequence": COUNT,
        "index": COUNT,
        "consensusTimestamp": TEXT,
        "reason": TEXT,
        "cost": _object({"tinybar": TEXT, "usd": TEXT, "usdPerHbar": TEXT}),
    },
)
PROBLEM = _object({"index": COUNT, "field": TEXT, "type": TEXT, "rule": TEXT})
REFUSAL = _object({"error": _object({"code": TEXT, "message": TEXT, "problems": {"type": "array", "items": PROBLEM}})})
PLACE = {"type": "string", "pattern": r"^[0-9]{1,18}(@[\x21-\x7e]{0,100})?$"}
PUBLICATION = _object({"offset": COUNT, "data": {"type": "object"}})


class Route(NamedTuple):
    """One operation. `scope` None: nobody is asked for a key. `body` and `answer` are schemas."""

    method: str
    path: str
    scope: str | None
    summary: str
    status: int
    answer: dict[str, Any]
    body: dict[str, Any] | None = None
    query: dict[str, dict[str, Any]] | None = None
    idempotent: bool = False
    others: tuple[int, ...] = ()
    media: str = "application/json"


ROUTES = (
    Route(
        "post", "/v1/campaigns", "campaigns:write", "Register a campaign", 201, CAMPAIGN,
        body=_object({"id": GIVEN_ID, "ownerId": GIVEN_ID}), others=(409,),
    ),
    Route("get", "/v1/campaigns/{id}", "campaigns:read", "A campaign", 200, CAMPAIGN, others=(404,)),
    Route(
        "post", "/v1/campaigns/{id}/close", "campaigns:write", "Close a campaign for good", 202, CAMPAIGN,
        body=_object({}), others=(200, 404, 409),
    ),
    Route(
        "post", "/v1/campaigns/{id}/resume", "campaigns:write", "Read on in a halted topic", 200,
        _object({"resumed": {"type": "boolean"}, "halted": _or_null(TEXT)}), body=_object({}), others=(404,),
    ),
    Route(
        "post", "/v1/events", "events:write", "Hand over one event, or an array of them", 202,
        _object({"ids": {"type": "array", "items": TEXT}}),
        body={"anyOf": [EVENT, {"type": "array", "items": EVENT, "minItems": 1}]}, idempotent=True, others=(404, 409),
    ),
    Route("get", "/v1/events/{id}", "events:read", "What became of an event", 200, EVENT_VIEW, others=(404,)),
    Route("get", "/v1/outbox", "campaigns:read", "Whether anything waits, and what for", 200, {"type": "object"}),
    Route(
        "post", "/v1/outbox/retry", "outbox:write", "Let parked events wait again", 200, _object({"retried": COUNT}),
        body={"anyOf": [_object({"ids": EVENT_IDS}), _object({"campaignId": ID})]},
        others=(404, 409),
    ),
    Route(
        "post", "/v1/outbox/drop", "outbox:write", "Give up parked or waiting events", 200, _object({"dropped": COUNT}),
        body=_object({"ids": EVENT_IDS}, {"reason": {"type": "string", "maxLength": 200}}),
        others=(404, 409),
    ),
    Route(
        "post", "/v1/send", "events:write", "Send to a user or a campaign, and hear whether anybody is there", 202,
        _object({"id": TEXT, "connected": {"type": "boolean"}}),
        body=_object(
            {"to": {"type": "string", "pattern": USER_CHANNEL}, "event": EVENT_NAME, "payload": PAYLOAD},
            {"campaignId": ID, "at": TIME},
        ),
        idempotent=True, others=(404, 409),
    ),
    Route(
        "post", "/v1/disconnect", "clients:write", "Revoke a user's tokens, or one token, and end its connections", 200,
        _object({"disconnected": COUNT}),
        body={"anyOf": [_object({"user": ID}), _object({"jti": {"type": "string", "minLength": 1, "maxLength": 200}})]},
    ),
    Route(
        "post", "/v1/unsubscribe", "clients:write", "End a user's subscriptions to a channel", 200,
        _object({"unsubscribed": COUNT}),
        body=_object({"user": ID, "channel": {"type": "string", "pattern": USER_CHANNEL}}), others=(404,),
    ),
    Route(
        "post", "/v1/refresh", "clients:write", "Prolong a user's connections, or have them come back afresh", 200,
        _object({"refreshed": COUNT}), body=_object({"user": ID}, {"expiresAt": TIME}),
    ),
    Route(
        "post", "/v1/tickets", "tickets:write", "Exchange a client's token for a single-use ticket", 201,
        _object({"ticket": TEXT, "lifetimeS": {"type": "number"}}), body=_object({"token": TEXT}),
    ),
    Route(
        "get", "/v1/channels/{channel}/presence", "clients:read", "Who is subscribed", 200,
        _object(
            {
                "clients": _or_null({"type": "object", "additionalProperties": TEXT}),
                "numClients": COUNT,
                "numUsers": COUNT,
            }
        ),
        others=(404,),
    ),
    Route(
        "get", "/v1/channels/{channel}/history", "history:read", "What a channel has published", 200,
        _object({"publications": {"type": "array", "items": PUBLICATION}, "epoch": TEXT, "offset": COUNT}),
        query={
            "limit": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
            "since": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
            "epoch": TEXT,
            "reverse": {"type": "boolean"},
        },
        others=(404, 409),
    ),
    Route(
        "get", "/v1/channels/{channel}/events", None, "A channel's events as they come, for a client with its token",
        200, TEXT, query={"since": PLACE}, others=(400, 401, 403, 404, 429), media="text/event-stream",
    ),
    Route(
        "get", "/v1/info", "clients:read", "How many are connected", 200,
        _object({"version": TEXT, "clients": COUNT, "users": COUNT, "channels": COUNT}),
    ),
    Route("get", "/v1/openapi.json", None, "This document", 200, {"type": "object"}),
    Route("get", "/healthz", None, "Whether the process serves", 200, _object({"status": {"const": "ok"}})),
    Route(
        "get", "/readyz", None, "Whether changes are taken, and what else is in trouble", 200,
        _object(
            {
                "ready": {"const": True},
                "degraded": {"type": "array", "items": {"enum": ["topics", "mirrors", "nodes"]}},
                "topics": _object({"halted": COUNT}),
                "mirrors": _object({"down": COUNT, "of": COUNT}),
                "nodes": _object({"down": COUNT, "of": COUNT}),
            }
        ),
    ),
)  # fmt: skip


@cache
def document() -> dict[str, Any]:
    """The whole document. Not to be changed: it is the same object each time."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
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
