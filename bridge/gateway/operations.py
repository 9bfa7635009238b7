"""Every operation of the HTTP door: what it takes, what it answers, and which scope it asks for."""

from __future__ import annotations

from typing import Any, NamedTuple

ID = {"type": "string", "pattern": r"^[A-Za-z0-9.~-][A-Za-z0-9_.~-]{0,63}$"}
GIVEN_ID = {"anyOf": [ID, {"type": "integer"}]}  # a backend's ids may be bare big integers
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
USER_CHANNEL = r"^(campaign|user):[A-Za-z0-9.~-][A-Za-z0-9_.~-]{0,63}$"
EVENT_NAME = {"type": "string", "examples": ["CAMPAIGN_STATUS_UPDATE"]}
EVENT_IDS = {"type": "array", "items": TEXT, "minItems": 1}
TIME = {"anyOf": [{"type": "string", "format": "date-time"}, COUNT]}


def shape(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object of these members and no others."""
    members = required | (optional or {})
    return {"type": "object", "properties": members, "required": [*required], "additionalProperties": False}


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


RELAY = {"enum": ["plain", "sealed"]}
TROUBLES = ["topics", "campaigns", "database", "mirrors", "nodes", "intake", "descriptors", "clock", "bus", "daemons"]
PAYLOAD = {"anyOf": [{"type": "object"}, TEXT]}
EVENT = shape({"event": EVENT_NAME, "payload": PAYLOAD}, {"campaignId": ID, "to": TEXT, "at": TIME})
CAMPAIGN = shape(
    {
        "id": ID,
        "ownerId": or_null(ID),
        "status": {"enum": ["intended", "created", "ready", "closing", "closed"]},
        "topicId": or_null(TEXT),
        "sequence": or_null(COUNT),
        "relay": RELAY,
    },
    {"stopped": TEXT},
)
EVENT_VIEW = shape(
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
        "cost": shape({"tinybar": TEXT, "usd": TEXT, "usdPerHbar": TEXT}),
    },
)
PROBLEM = shape({"index": COUNT, "field": TEXT, "type": TEXT, "rule": TEXT})
REFUSAL = shape({"error": shape({"code": TEXT, "message": TEXT, "problems": {"type": "array", "items": PROBLEM}})})
PLACE = {"type": "string", "pattern": r"^[0-9]{1,18}(@[\x21-\x7e]{0,100})?$"}
PUBLICATION = shape({"offset": COUNT, "data": {"type": "object"}})

SEQUENCE = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
MESSAGE = {"type": "object", "description": "as the mirror's REST interface shows it"}
PROOF = shape(
    {
        "topicId": TEXT,
        "network": TEXT,
        "messages": {"type": "array", "items": MESSAGE},
        "anchors": {"type": "array", "items": shape({"sequence": SEQUENCE, "runningHash": TEXT})},
    }
)
WRAPPED = shape({"owner": TEXT, "kid": {"type": "string", "pattern": "^[0-9a-f]{16}$"}, "wrapped": TEXT})
KEYS = shape(
    {
        "campaignId": ID,
        "topicId": or_null(TEXT),
        "network": TEXT,
        "epochs": {"type": "array", "items": WRAPPED},
    }
)
GRANT = shape(
    {
        "user": ID,
        "fromEpoch": SEQUENCE,
        "givenAt": TEXT,
        "givenBy": TEXT,
        "revokedAt": or_null(TEXT),
        "revokedBy": or_null(TEXT),
    }
)


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
        body=shape({"id": GIVEN_ID, "ownerId": GIVEN_ID}, {"relay": RELAY}), others=(409,),
    ),
    Route("get", "/v1/campaigns/{id}", "campaigns:read", "A campaign", 200, CAMPAIGN, others=(404,)),
    Route(
        "post", "/v1/campaigns/{id}/close", "campaigns:write", "Close a campaign for good", 202, CAMPAIGN,
        body=shape({}), others=(200, 404, 409),
    ),
    Route(
        "post", "/v1/campaigns/{id}/resume", "campaigns:write", "Read on in a halted topic", 200,
        shape({"resumed": {"type": "boolean"}, "halted": or_null(TEXT)}), body=shape({}), others=(404,),
    ),
    Route(
        "get", "/v1/campaigns/{id}/proof", None, "Its topic's raw messages, for a client with its token", 200, PROOF,
        query={"from": SEQUENCE, "to": SEQUENCE}, others=(400, 401, 403, 404),
    ),
    Route(
        "get", "/v1/campaigns/{id}/keys", None, "Its keys, wrapped to a client with its token", 200, KEYS,
        query={"publicKey": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}}, others=(400, 401, 403, 404, 429),
    ),
    Route(
        "get", "/v1/campaigns/{id}/grants", "keys:write", "Who else may have its keys", 200,
        shape({"grants": {"type": "array", "items": GRANT}, "handed": shape({"answers": COUNT, "keys": COUNT})}),
        others=(404,),
    ),
    Route(
        "post", "/v1/campaigns/{id}/grants", "keys:write", "Let a user have its keys", 201, GRANT,
        body=shape({"user": ID}, {"fromStart": {"type": "boolean"}}), others=(404,),
    ),
    Route(
        "post", "/v1/campaigns/{id}/revoke", "keys:write", "Let a user have no more of its keys", 200,
        shape({"revoked": {"type": "boolean"}}), body=shape({"user": ID}), others=(404, 409),
    ),
    Route(
        "post", "/v1/campaigns/{id}/rotate", "keys:write", "Give a campaign another key", 202, shape({"id": TEXT}),
        body=shape({}), others=(404, 409),
    ),
    Route(
        "post", "/v1/users/{id}/rotate", "keys:write", "Give a user another key", 200, shape({"kid": TEXT}),
        body=shape({}), others=(404,),
    ),
    Route(
        "post", "/v1/keys/rewrap", "keys:write", "Change the master key", 200, shape({"rewrapped": COUNT}),
        body=shape({"newMasterKeyFile": TEXT}),
    ),
    Route(
        "post", "/v1/keys/shred", "keys:write", "Destroy a campaign's or a user's keys", 200,
        shape({"kids": {"type": "array", "items": TEXT}, "publications": COUNT, "dropped": COUNT, "recordedIn": TEXT}),
        body={"anyOf": [shape({of: ID, "newMasterKeyFile": TEXT}) for of in ("campaignId", "userId")]}, others=(404,),
    ),
    Route(
        "post", "/v1/events", "events:write", "Hand over one event, or an array of them", 202,
        shape({"ids": {"type": "array", "items": TEXT}}),
        body={"anyOf": [EVENT, {"type": "array", "items": EVENT, "minItems": 1}]}, idempotent=True, others=(404, 409),
    ),
    Route("get", "/v1/events/{id}", "events:read", "What became of an event", 200, EVENT_VIEW, others=(404,)),
    Route("get", "/v1/outbox", "campaigns:read", "Whether anything waits, and what for", 200, {"type": "object"}),
    Route(
        "post", "/v1/outbox/retry", "outbox:write", "Let parked events wait again", 200, shape({"retried": COUNT}),
        body={"anyOf": [shape({"ids": EVENT_IDS}), shape({"campaignId": ID})]},
        others=(404, 409),
    ),
    Route(
        "post", "/v1/outbox/drop", "outbox:write", "Give up parked or waiting events", 200, shape({"dropped": COUNT}),
        body=shape({"ids": EVENT_IDS}, {"reason": {"type": "string", "maxLength": 200}}),
        others=(404, 409),
    ),
    Route(
        "post", "/v1/send", "events:write", "Send to a user or a campaign, and hear whether anybody is there", 202,
        shape({"id": TEXT, "connected": {"type": "boolean"}}),
        body=shape(
            {"to": {"type": "string", "pattern": USER_CHANNEL}, "event": EVENT_NAME, "payload": PAYLOAD},
            {"campaignId": ID, "at": TIME},
        ),
        idempotent=True, others=(404, 409),
    ),
    Route(
        "post", "/v1/disconnect", "clients:write", "Revoke a user's tokens, or one token, and end its connections", 200,
        shape({"disconnected": COUNT}),
        body={"anyOf": [shape({"user": ID}), shape({"jti": {"type": "string", "minLength": 1, "maxLength": 200}})]},
    ),
    Route(
        "post", "/v1/unsubscribe", "clients:write", "End a user's subscriptions to a channel", 200,
        shape({"unsubscribed": COUNT}),
        body=shape({"user": ID, "channel": {"type": "string", "pattern": USER_CHANNEL}}), others=(404,),
    ),
    Route(
        "post", "/v1/refresh", "clients:write", "Prolong a user's connections, or have them come back afresh", 200,
        shape({"refreshed": COUNT}), body=shape({"user": ID}, {"expiresAt": TIME}),
    ),
    Route(
        "post", "/v1/tickets", "tickets:write", "Exchange a client's token for a single-use ticket", 201,
        shape({"ticket": TEXT, "lifetimeS": {"type": "number"}}), body=shape({"token": TEXT}),
    ),
    Route(
        "get", "/v1/channels/{channel}/presence", "clients:read", "Who is subscribed", 200,
        shape(
            {
                "clients": or_null({"type": "object", "additionalProperties": TEXT}),
                "numClients": COUNT,
                "numUsers": COUNT,
            }
        ),
        others=(404,),
    ),
    Route(
        "get", "/v1/channels/{channel}/history", "history:read", "What a channel has published", 200,
        shape({"publications": {"type": "array", "items": PUBLICATION}, "epoch": TEXT, "offset": COUNT}),
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
        shape({"version": TEXT, "clients": COUNT, "users": COUNT, "channels": COUNT}),
    ),
    Route("get", "/v1/openapi.json", None, "This document", 200, {"type": "object"}),
    Route("get", "/healthz", None, "Whether the process serves", 200, shape({"status": {"const": "ok"}})),
    Route(
        "get", "/readyz", None, "Whether changes are taken, and what else is in trouble", 200,
        shape(
            {
                "ready": {"const": True}, "degraded": {"type": "array", "items": {"enum": TROUBLES}},
                "topics": shape({"halted": COUNT}), "campaigns": shape({"stopped": COUNT}),
                "clock": shape({"aheadS": {"type": "integer"}}),
                "mirrors": shape({"down": COUNT, "of": COUNT}), "nodes": shape({"down": COUNT, "of": COUNT}),
                "intake": shape({"down": {"type": "array", "items": TEXT}, "of": COUNT}),
            }
        ),
    ),
)  # fmt: skip
