"""The console's operations as the OpenAPI document has them."""

from __future__ import annotations

from typing import Any

from bridge.gateway.operations import CAMPAIGN, COUNT, RELAY, TEXT, Route, or_null, shape

MAX_PAGE = 100
MAX_ID_CHARS = 80
MAX_PLACE = 10**18 - 1
STATES = ("parked", "waiting", "flying", "submitted", "dropped")
AFTER = r"[A-Za-z0-9_.~-]{0,80}/[0-9]{1,18}"

FLAG = {"type": "boolean"}
MAYBE = or_null(TEXT)
LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}
SEARCH = {"type": "string", "maxLength": MAX_ID_CHARS}

SUM = {"tinybar": TEXT, "usd": TEXT, "reservedTinybar": TEXT, "transactions": COUNT, "events": COUNT}
COUNTS = shape({"waiting": COUNT, "flying": COUNT, "submitted": COUNT, "parked": COUNT})
ROW = shape(
    {
        "id": TEXT,
        "status": CAMPAIGN["properties"]["status"],
        "relay": RELAY,
        "topicId": MAYBE,
        "sequence": COUNT,
        "behind": COUNT,
        "halted": MAYBE,
        "skipped": COUNT,
        "stopped": MAYBE,
        "outbox": COUNTS,
        "openSince": MAYBE,
        "cost": shape(SUM),
    }
)
ENTRY = {
    "id": TEXT,
    "campaignId": TEXT,
    "kind": TEXT,
    "to": TEXT,
    "state": {"enum": [*STATES, "confirmed"]},
    "acceptedAt": TEXT,
    "reason": MAYBE,
}
JOURNEY = {
    "sealedAt": MAYBE,
    "frame": or_null(COUNT),
    "chunks": or_null(COUNT),
    "consensusTimestamp": MAYBE,
    "sequence": or_null(COUNT),
    "index": or_null(COUNT),
    "offset": or_null(COUNT),
}
TOTALS = {"accepted": COUNT, "verified": COUNT, "campaigns": COUNT, "halted": COUNT, "skipped": COUNT, "stopped": COUNT}


def _list(member: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": member}


CONSOLE_ROUTES = (
    Route(
        "get", "/v1/campaigns", "console:read", "Campaigns by id", 200,
        shape({"campaigns": _list(ROW), "next": MAYBE}),
        query={"after": SEARCH, "q": SEARCH, "halted": FLAG, "limit": LIMIT},
    ),
    Route(
        "get", "/v1/campaigns/{id}/timeline", "console:read", "A campaign's events and how far each has come", 200,
        shape({"campaign": ROW, "events": _list(shape(ENTRY | JOURNEY)), "next": MAYBE}),
        query={"before": {"type": "integer", "minimum": 1, "maximum": MAX_PLACE}, "limit": LIMIT}, others=(404,),
    ),
    Route(
        "get", "/v1/outbox/entries", "console:read", "What is in the outbox in one state", 200,
        shape({"entries": _list(shape(ENTRY)), "next": MAYBE}),
        query={"state": {"enum": [*STATES]}, "campaign": SEARCH, "after": {"type": "string", "pattern": f"^{AFTER}$"},
               "limit": LIMIT},
    ),
    Route(
        "get", "/v1/costs", "console:read", "What was spent by day and by API key", 200,
        shape(
            {
                "days": _list(shape({"name": TEXT} | SUM)),
                "keys": _list(shape({"name": TEXT} | SUM | {"budgetTinybar": MAYBE})),
                "budgets": shape({"dayTinybar": MAYBE, "campaignTinybar": MAYBE}),
            }
        ),
    ),
    Route(
        "get", "/v1/status", "console:read", "Everything in numbers, mirrors and nodes", 200,
        shape(
            {
                "version": TEXT,
                "network": TEXT,
                **TOTALS,
                "outbox": COUNTS,
                "mirrors": _list(shape({"name": TEXT, "state": {"enum": ["up", "limited", "down"]}, "asked": FLAG})),
                "nodes": _list(shape({"account": TEXT, "failures": COUNT})),
                "clients": COUNT,
                "scopes": _list(TEXT),
            }
        ),
    ),
    Route(
        "get", "/v1/clients", "console:read", "How many are connected, and which campaigns most of them follow", 200,
        shape(
            {
                "clients": COUNT,
                "users": COUNT,
                "channels": COUNT,
                "campaigns": _list(shape({"campaignId": TEXT, "subscribers": COUNT})),
            }
        ),
    ),
)  # fmt: skip
