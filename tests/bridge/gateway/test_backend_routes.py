"""A backend at the HTTP door: campaigns, events, one or many, and what is said of them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bridge.gateway.api import Parts
from tests.bridge.gateway.api_fixture import running


async def test_campaigns() -> None:
    async with running() as api:
        status, body = await api.ask("POST", "/v1/campaigns", json={"id": "1", "ownerId": "77"})
        assert (status, body["ownerId"], body["topicId"]) == (201, "77", None)
        bare = await api.ask("POST", "/v1/campaigns", json={"id": 2**60, "ownerId": 77})
        assert (bare[0], bare[1]["id"], bare[1]["ownerId"]) == (201, str(2**60), "77")
        assert (await api.ask("GET", "/v1/campaigns/1"))[0] == 200
        assert await api.refusal("GET", "/v1/campaigns/2") == (404, "not_found")
        sealed = await api.ask("POST", "/v1/campaigns", json={"id": "3", "ownerId": "77", "relay": "sealed"})
        assert (body["relay"], sealed[1]["relay"]) == ("plain", "sealed")
        other = {"id": "1", "ownerId": "78"}
        assert await api.refusal("POST", "/v1/campaigns", json=other) == (409, "campaign_refused")
        mistakes: list[object] = [{}, [], {"id": 1.5, "ownerId": "77"}, {"id": "1", "ownerId": "77", "extra": 1}]
        mistakes += [{"id": "1", "ownerId": "77", "relay": wrong} for wrong in ("open", 1, None)]
        for wrong in mistakes:
            assert await api.refusal("POST", "/v1/campaigns", json=wrong) == (422, "refused")


async def test_events_one_or_many() -> None:
    async with running() as api:
        assert await api.ask("POST", "/v1/events", json={"event": "X"}) == (202, {"ids": ["id-0"]})
        status, body = await api.ask("POST", "/v1/events", json=[{"event": "X"}, {"event": "Y"}])
        assert (status, body["ids"]) == (202, ["id-1", "id-2"])
        assert api.backend.events["id-1"] == ("backend", {"event": "X"})
        assert (await api.ask("GET", "/v1/events/id-1"))[1]["status"] == "accepted"
        assert await api.refusal("GET", "/v1/events/id-9") == (404, "not_found")
        status, body = await api.ask("POST", "/v1/events", json=[{"event": "X"}, {}])
        assert (status, body["error"]["problems"][0]["index"]) == (422, 1)
        assert len(api.backend.events) == 3


async def test_big_integers_stay_exact() -> None:
    async with running() as api:
        big = 12345678901234567890123
        await api.ask("POST", "/v1/events", data=b'{"event":"X","payload":{"n":%d}}' % big)
        assert api.backend.events["id-0"][1] == {"event": "X", "payload": {"n": big}}


async def test_idempotency() -> None:
    async with running() as api:
        headers = {"Idempotency-Key": "k-1"}
        first = await api.ask("POST", "/v1/events", json={"event": "X"}, headers=headers)
        assert await api.ask("POST", "/v1/events", json={"event": "X"}, headers=headers) == first
        conflict = await api.refusal("POST", "/v1/events", json={"event": "Y"}, headers=headers)
        assert conflict == (409, "idempotency_conflict")
        spaced = {"Idempotency-Key": "a b"}
        assert await api.refusal("POST", "/v1/events", json={}, headers=spaced) == (400, "bad_idempotency_key")


async def test_who_traces_is_told_of_what_was_accepted_and_when_it_began() -> None:
    told: list[tuple[list[str], str | None, int]] = []

    def traced(ids: Sequence[str], traceparent: str | None, began_ns: int) -> None:
        told.append((list(ids), traceparent, began_ns))

    before_ns = time.time_ns()
    async with running(parts=Parts(traced=traced)) as api:
        await api.ask("POST", "/v1/events", json={"event": "X"}, headers={"traceparent": "00-ab-cd-01"})
        await api.ask("POST", "/v1/events", json=[{"event": "X"}, {"event": "Y"}])
        await api.ask("POST", "/v1/events", json={})
    assert [each[:2] for each in told] == [(["id-0"], "00-ab-cd-01"), (["id-1", "id-2"], None)]
    assert before_ns < told[0][2] < told[1][2] < time.time_ns()
