"""The outbox in an operator's hands, as a user has it: the verbs beside a daemon, and what subscribers see of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge import offline
from bridge.commands.outbox_view import listing
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.world import World, world
from topics.devnet.faults import Fault

DEADLINE_S = 60.0
QUICK: dict[str, Any] = {"publish__retry_initial_s": 0.1, "publish__retry_max_s": 0.2, "ledger__max_attempts": 2}


def change(text: str) -> dict[str, Any]:
    return {"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": {"message": text}}


async def told(made: World, *arguments: str) -> Any:
    """What the verb prints as JSON."""
    code, out, err = await made.command(*arguments, "--json")
    assert code == 0, err
    return json.loads(out)


async def becomes(made: World, path: str, status: str) -> dict[str, Any]:
    """What the door answers once that is the status."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            _, answer = await made.get(path)
            if answer["status"] == status:
                return dict(answer)
            await asyncio.sleep(0.05)


async def hear(client: WireClient, count: int) -> list[tuple[str, str]]:
    """Id and phase of the next publications."""
    found: list[tuple[str, str]] = []
    while len(found) < count:
        if push := (await client.hear()).get("push"):  # else a ping
            meta = push["pub"]["data"]["meta"]
            found.append((meta["id"], meta["phase"]))
    return found


async def stuck(made: World, changes: Sequence[dict[str, Any]]) -> list[str]:
    """Accepted while no node answers; the first is under way by now."""
    made.devnet.faults.inject(Fault.NODE_DOWN)
    _, first = await made.post("/v1/events", changes[0])
    async with asyncio.timeout(DEADLINE_S):
        while True:
            view = await listing(made.config, campaign="1", state="flying", limit=1)
            if view["entries"]:
                break
            await asyncio.sleep(0.05)
    _, others = await made.post("/v1/events", list(changes[1:]))
    return [*first["ids"], *others["ids"]]


async def test_waiting_events_are_given_up_and_a_campaign_is_closed(tmp_path: Path) -> None:
    async with world(tmp_path, **QUICK) as made:
        await made.start()
        await made.post("/v1/campaigns", {"id": "1", "ownerId": "77"})
        await becomes(made, "/v1/campaigns/1", "ready")
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("77")})
            await client.ask(subscribe={"channel": "campaign:1"})
            flying, dropped, kept = await stuck(made, [change("1"), change("2"), change("3")])
            assert await hear(client, 3) == [(id_, "provisional") for id_ in (flying, dropped, kept)]
            view = await told(made, "outbox", "list", "--campaign", "1")
            assert [(each["event"], each["state"]) for each in view["entries"]] == [
                (flying, "flying"),
                (dropped, "waiting"),
                (kept, "waiting"),
            ]
            assert view["nothing_leaves"] == "none of the 2 nodes answers"
            status, refused = await made.post("/v1/outbox/drop", {"ids": [flying, dropped]})
            assert (status, "is flying" in refused["error"]["message"]) == (409, True)
            assert await told(made, "outbox", "drop", dropped, "--yes", "--reason", "a mistake") == {"dropped": 1}
            assert await hear(client, 1) == [(dropped, "rejected")]
            assert (await made.post("/v1/campaigns/1/close", {}))[0] == 202
            status, refused = await made.post("/v1/events", change("4"))
            assert (status, refused["error"]["message"]) == (
                409,
                "campaign 1 is closing: its final message is on its way",
            )
            made.devnet.faults.clear()
            assert await hear(client, 2) == [(flying, "confirmed"), (kept, "confirmed")]
        assert (await told(made, "topic", "close", "1", "--yes"))["status"] == "closed"
        _, gone = await made.get(f"/v1/events/{dropped}")
        assert (gone["status"], gone["reason"]) == ("dropped", "given up by an operator: a mistake")
        left = await listing(made.config, campaign=None, state=None, limit=9)
        assert left == {"nothing_leaves": None, "campaigns": [], "entries": []}
        past_the_gateway = offline.tail(made.config, "campaign:1")
        read = [(await anext(aiter(past_the_gateway)))["meta"]["id"] for _ in range(2)]
        assert read == [flying, kept]


async def test_a_parked_event_goes_again_in_front_of_what_still_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path, **QUICK) as made:
        await made.start()
        await made.post("/v1/campaigns", {"id": "1", "ownerId": "77"})
        await becomes(made, "/v1/campaigns/1", "ready")
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("77")})
            await client.ask(subscribe={"channel": "campaign:1"})
            monkeypatch.setattr("topics.devnet.consensus_service.MAX_MESSAGE_BYTES", 600)  # the network takes less
            _, taken = await made.post("/v1/events", change("x" * 700))
            [parked] = taken["ids"]
            assert await hear(client, 2) == [(parked, "provisional"), (parked, "rejected")]
            shown = await told(made, "outbox", "show", parked)
            assert (shown["state"], shown["flight_state"], shown["type"]) == ("parked", "refused", "CAMPAIGN_CLOSED")
            assert "MESSAGE_SIZE_TOO_LARGE" in shown["reason"]
            monkeypatch.undo()
            flying, waiting = await stuck(made, [change("1"), change("2")])
            assert await hear(client, 2) == [(flying, "provisional"), (waiting, "provisional")]
            assert await told(made, "outbox", "retry", parked) == {"retried": 1}
            assert await hear(client, 1) == [(parked, "provisional")]
            made.devnet.faults.clear()
            assert await hear(client, 3) == [(id_, "confirmed") for id_ in (flying, parked, waiting)]
        status, refused = await made.post("/v1/outbox/retry", {"ids": [parked]})
        assert (status, refused["error"]["code"]) == (409, "entry_refused")
