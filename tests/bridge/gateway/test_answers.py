"""Answers are JSON that nobody keeps; refusals bring what their faults say."""

from __future__ import annotations

import json

from aiohttp import web

from bridge.gateway.answers import answer, refusal
from bridge.gateway.faults import too_many


def body(response: web.Response) -> object:
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


def test_an_answer() -> None:
    given = answer({"id": "1"}, status=201)
    assert (given.status, given.content_type, body(given)) == (201, "application/json", {"id": "1"})
    assert given.headers["Cache-Control"] == "no-store"


def test_a_refusal() -> None:
    given = refusal(too_many(2.5))
    assert (given.status, given.headers["Retry-After"], given.headers["Cache-Control"]) == (429, "3", "no-store")
    assert body(given) == {
        "error": {"code": "too_many_requests", "message": "this key's rate is used up", "problems": []}
    }
