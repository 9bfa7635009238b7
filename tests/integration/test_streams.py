"""The daemon with streams: what somebody waits for comes as soon as the mirror has it, and gRPC may go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bridge.gateway.wire_client import WireClient
from tests.integration.world import World, until, world
from topics.devnet.fault_kinds import Fault

REFS = ("1234", "1235")


async def publish(made: World, ref: str, text: str) -> str:
    status, body = await made.post(
        "/v1/events", {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": ref, "message": text}}
    )
    assert status == 202, body
    [id_] = body["ids"]
    return str(id_)


async def confirmed(client: WireClient) -> dict[str, Any]:
    """The next confirmed publication."""
    while True:
        publication = (await client.hear()).get("push", {}).get("pub")
        if publication is not None and publication["data"]["meta"]["phase"] == "confirmed":
            meta: dict[str, Any] = publication["data"]["meta"]
            return meta


async def test_what_is_watched_does_not_wait_for_the_sweep(tmp_path: Path) -> None:
    """The sweep looks once in 30 seconds here; the client waits for 10."""
    async with world(tmp_path, mirror__poll_interval_s=30) as made:
        await made.start()
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("7", campaigns=[*REFS])})
            for ref in REFS:
                await client.ask(subscribe={"channel": f"campaign:{ref}"})
            for number in range(3):
                for ref in REFS:
                    assert (await confirmed_one(made, client, ref, str(number))) == ref
        assert made.devnet.mirrors[0].grpc.streams == len(REFS)
        assert await made.stop() == 0
        await until(lambda: made.devnet.mirrors[0].grpc.streams == 0)


async def confirmed_one(made: World, client: WireClient, ref: str, text: str) -> str:
    id_ = await publish(made, ref, text)
    meta = await confirmed(client)
    assert meta["id"] == id_
    return str(meta["campaignId"])


async def test_streams_that_go_down_and_come_back_lose_nothing_and_say_so_once(tmp_path: Path) -> None:
    async with world(tmp_path, mirror__backoff_max_s=0.2) as made:
        await made.start()
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("7", campaigns=[*REFS])})
            await client.ask(subscribe={"channel": f"campaign:{REFS[0]}"})
            await confirmed_one(made, client, REFS[0], "before")
            made.devnet.faults.inject(Fault.MIRROR_GRPC_DOWN)
            for number in range(5):
                await confirmed_one(made, client, REFS[0], str(number))
            await until(lambda: "streams is down" in made.log)
            made.devnet.faults.clear()
            while "streams is up" not in made.log:
                await confirmed_one(made, client, REFS[0], "again")
        assert (made.log.count("streams is down"), made.log.count("streams is up")) == (1, 1)
        assert "halted" not in made.log
        assert await made.stop() == 0
