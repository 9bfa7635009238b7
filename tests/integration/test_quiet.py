"""A daemon that has nothing to do says nothing: an idle day is less than a page."""

from __future__ import annotations

import json
from pathlib import Path

from structlog.testing import capture_logs

from bridge.app import running
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.world import until, world

ROUNDS = 300
"""Of the relay, each of which asks the mirror; as many as an idle daemon has in two and a half minutes as shipped."""


async def test_hundreds_of_idle_rounds_are_not_a_line(tmp_path: Path) -> None:
    async with world(tmp_path, mirror__poll_interval_s=0.01) as made, running(made.config):
        await made.post("/v1/campaigns", {"id": "1", "ownerId": "77"})
        rest = made.devnet.mirrors[0].rest
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("77")})
            await until(lambda: rest.requests > 5)
            before = rest.requests
            with capture_logs() as logs:
                await until(lambda: rest.requests - before >= ROUNDS)
    assert [entry for entry in logs if entry["log_level"] != "debug"] == []


async def test_at_debug_nobody_is_named_and_nothing_secret_told(tmp_path: Path) -> None:
    user, said = "987654321", "words for one user"
    payload = {"balanceType": "HBAR", "newBalance": "5", "message": said}
    private = {"event": "BALANCE_UPDATE", "to": f"user:{user}", "payload": payload}
    async with world(tmp_path, log__level="debug") as made:
        await made.start()
        token = made.token(user)
        await made.post("/v1/campaigns", {"id": "1", "ownerId": user})
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": token})
            await client.ask(subscribe={"channel": f"user:{user}"})
            status, body = await made.post("/v1/events", private, Idempotency_Key="only-once-of-mine")
            assert status == 202, body
            [event] = body["ids"]
            while (await client.hear())["push"]["pub"]["data"]["meta"]["phase"] != "confirmed":
                pass
        assert await made.stop() == 0
        secrets = [(tmp_path / f"{name}.key").read_text().splitlines()[1] for name in ("api", "master", "token")]
        lines = [json.loads(line) for line in made.log.splitlines() if line.startswith("{")]
        way = [line for line in lines if line.get("id") == event]
        assert [line["event"] for line in way] == ["event accepted", "event sealed", "event relayed"]
        [chunk] = [line for line in lines if line.get("flight") == way[1]["flight"] and "transaction" in line]
        assert (chunk["topic"], way[2]["offset"]) == (way[1]["topic"], 1)
        assert [each for each in (user, said, token, "only-once-of-mine", *secrets) if each in made.log] == []
