"""The whole bridge in this process: what goes in at the HTTP door comes out at the gateway, and it leaves cleanly."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bridge import offline
from bridge.app import running
from bridge.errors import AddressUnusable
from tests.bridge.gateway.wire_client import WireClient, confirmed
from tests.footing import Clock
from tests.integration.world import until, world
from tests.topics.client import client_of
from topics.devnet.faults import Fault, Field
from topics.devnet.made_keys import read_ed25519
from topics.devnet.settings import DevnetSettings
from topics.values import NANOS

STATUS = {"event": "CAMPAIGN_STATUS_UPDATE", "payload": {"campaignId": "1234", "newStatus": "ApprovalPending"}}


async def test_an_event_comes_out_provisional_then_confirmed(tmp_path: Path) -> None:
    async with world(tmp_path) as made, running(made.config) as bridge:
        assert (bridge.http_url, bridge.gateway_url) == (made.http, made.gateway)
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("77")})
            assert (await client.ask(subscribe={"channel": "campaign:1234"}))["error"]["code"] == 103
            status, view = await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"})
            assert (status, view["status"]) == (201, "intended")
            reply = await client.ask(subscribe={"channel": "campaign:1234", "recoverable": True})
            assert reply["subscribe"]["data"] == {"open": [], "rejected": []}
            status, body = await made.post("/v1/events", STATUS)
            assert status == 202
            provisional = (await client.hear())["push"]["pub"]
            final = (await client.hear())["push"]["pub"]
    assert "offset" not in provisional
    assert [p["data"]["meta"]["phase"] for p in (provisional, final)] == ["provisional", "confirmed"]
    assert {p["data"]["meta"]["id"] for p in (provisional, final)} == set(body["ids"])
    meta = final["data"]["meta"]
    assert final["offset"] == meta["sequence"] * 1000 + meta["index"]
    assert meta["campaignId"] == "1234"


async def test_one_of_two_mirrors_lies_and_the_other_is_relayed_and_compared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, mirrors=2)
    async with world(tmp_path, network) as made:
        urls = tuple(each.rest.url for each in made.devnet.mirrors)
        keys = {"urls": urls, "cross_check": 1.0, "check_interval_s": 0.05, "backoff_max_s": 0.1}
        config = made.config.model_copy(update={"mirror": made.config.mirror.model_copy(update=keys)})
        async with running(config), WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("77")})
            assert (await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"}))[0] == 201
            await client.ask(subscribe={"channel": "campaign:1234"})
            made.devnet.faults.inject(Fault.MESSAGE_ALTERED, mirror=0, sequence=2, field=Field.MESSAGE)
            assert (await made.post("/v1/events", STATUS))[0] == 202
            heard = [(await client.hear())["push"]["pub"]["data"] for _ in range(2)]
            assert [data["meta"]["phase"] for data in heard] == ["provisional", "confirmed"]
            made.devnet.faults.clear()
            made.devnet.faults.inject(Fault.MESSAGE_ALTERED, mirror=1, field=Field.MESSAGE)
            assert (await made.post("/v1/campaigns", {"id": "1235", "ownerId": "77"}))[0] == 201
            differs = "message of sequence number"
            await until(lambda: any(differs in each.getMessage() for each in caplog.records))
        assert {each.levelname for each in caplog.records if differs in each.getMessage()} == {"ERROR"}


async def test_a_second_mirror_is_looked_at_while_the_first_is_well(tmp_path: Path) -> None:
    async with world(tmp_path, DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, mirrors=2)) as made:
        first, second = (each.rest for each in made.devnet.mirrors)
        mirror = made.config.mirror.model_copy(update={"urls": (first.url, second.url), "check_interval_s": 0.05})
        async with running(made.config.model_copy(update={"mirror": mirror})):
            await until(lambda: second.requests > 1)


async def test_the_seeds_three_calls_word_for_word(tmp_path: Path) -> None:
    published = {"campaignId": "1234", "campaignName": "Launch", "status": "CampaignRunning", "tweetId": "19",
                 "closeTime": "2026-11-02T07:03:08Z", "message": "Published"}  # fmt: skip
    balance = {"type": "HBAR", "newBalance": "5", "timestamp": "2026-11-02T07:03:08Z", "message": "Topped up"}
    updated = {"campaignId": "1234", "newStatus": "CampaignRunning", "timestamp": "2026-11-02T07:03:08Z"}
    calls: list[dict[str, Any]] = [
        {"event": "CAMPAIGN_PUBLISHED_SUCCESS", "payload": published, "to": "user:77"},
        {"event": "BALANCE_UPDATED", "payload": json.dumps(balance), "to": "user:77"},
        {"event": "CAMPAIGN_STATUS_UPDATED", "payload": updated, "to": "user:77"},
    ]
    async with world(tmp_path) as made, running(made.config), WireClient(made.gateway) as client:
        await client.ask(connect={"token": made.token("77")})
        await client.ask(subscribe={"channel": "user:77"})
        status, _ = await made.post("/v1/events", calls)
        assert status == 202
        heard = [(await client.hear())["push"]["pub"]["data"] for _ in range(6)]
    final = {data["event"]: data["data"] for data in heard if data["meta"]["phase"] == "confirmed"}
    assert set(final) == {"CAMPAIGN_PUBLISHED_SUCCESS", "BALANCE_UPDATE", "CAMPAIGN_STATUS_UPDATE"}
    assert final["BALANCE_UPDATE"]["payload"] == {"balanceType": "HBAR", "newBalance": "5", "message": "Topped up"}
    assert final["CAMPAIGN_PUBLISHED_SUCCESS"]["payload"]["campaignTitle"] == "Launch"
    assert final["CAMPAIGN_STATUS_UPDATE"]["timestamp"] == "2026-11-02T07:03:08.000Z"


async def test_a_request_repeated_is_answered_the_same_and_published_once(tmp_path: Path) -> None:
    async with world(tmp_path) as made, running(made.config):
        first = await made.post("/v1/events", STATUS, Idempotency_Key="abc")
        again = await made.post("/v1/events", STATUS, Idempotency_Key="abc")
        assert first == again
        other = {**STATUS, "payload": {"campaignId": "1234", "newStatus": "CampaignApproved"}}
        status, body = await made.post("/v1/events", other, Idempotency_Key="abc")
        assert (status, body["error"]["code"]) == (409, "idempotency_conflict")
        # One more behind it: what was published twice would be there by the time this is.
        status, last = await made.post("/v1/events", STATUS)
        found = await confirmed(made.gateway, made.token("1", campaigns=["1234"]), "campaign:1234", 2)
    assert [data["meta"]["id"] for data in found] == first[1]["ids"] + last["ids"]


async def test_the_pages_own_origin_may_connect_and_a_revoked_token_stays_out_after_a_restart(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        token = made.token("77")
        async with running(made.config) as bridge:
            cookie = {"Cookie": f"access_token={token}"}
            async with WireClient(made.gateway, origin=bridge.http_url, additional_headers=cookie) as client:
                assert "expires" not in (await client.ask(connect={}))["connect"]
                sent = {"to": "user:77", "event": "SYSTEM_NOTIFICATION"}
                payload = {"notificationType": "INFO", "title": "t", "message": "m"}
                assert (await made.post("/v1/send", sent | {"payload": payload}))[1]["connected"] is False
                assert (await made.post("/v1/disconnect", {"user": "77"})) == (200, {"disconnected": 1})
                assert await client.closed() == 3503
        async with running(made.config), WireClient(made.gateway) as client:
            await client.say(connect={"token": token})
            assert await client.closed() == 3500


async def test_a_taken_port_leaves_nothing_running(tmp_path: Path) -> None:
    async with world(tmp_path) as made, running(made.config):
        config = made.config.model_copy(
            update={"database": made.config.database.model_copy(update={"url": f"sqlite:///{tmp_path}/other.db"})}
        )
        with pytest.raises(AddressUnusable):
            async with running(config):
                pass
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_a_campaign_gets_a_topic_that_was_ready_before(tmp_path: Path) -> None:
    async with world(tmp_path, topics__pool_size=2, topics__creations_per_s=1000) as made, running(made.config):
        topics = made.devnet.network.state.topics
        await until(lambda: len(topics) == 2)
        ready = {str(topic_id) for topic_id in topics}
        for number in range(50):  # our disk learns of a topic a moment after the network has it
            status, view = await made.post("/v1/campaigns", {"id": f"c{number}", "ownerId": "77"})
            if view["topicId"] is not None:
                break
        assert (status, view["status"]) == (201, "created")
        assert view["topicId"] in ready
        assert (await made.get("/v1/campaigns/_pool"))[0] == 404


async def test_what_another_account_wrote_is_seen_while_we_are_silent(tmp_path: Path) -> None:
    """It has the submit key too, as after a change of the payer, and no poll by payer shows it."""
    keys: dict[str, Any] = {"mirror__foreign_interval_s": 0.1, "mirror__streams": False}
    async with world(tmp_path, **keys) as made, running(made.config), WireClient(made.gateway) as client:
        await client.ask(connect={"token": made.token("77")})
        assert (await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"}))[0] == 201
        await client.ask(subscribe={"channel": "campaign:1234"})
        assert (await made.post("/v1/events", STATUS))[0] == 202
        before = await confirmed_sequence(client)
        [topic_id] = made.devnet.network.state.topics
        account = made.devnet.create_account(key=read_ed25519(made.devnet.operator_key))
        async with client_of(made.devnet, account=account) as other:
            assert (await other.write(topic_id, b"by somebody else")).sequence == before + 1
        async with asyncio.timeout(20):
            while (await made.get("/v1/campaigns/1234"))[1]["sequence"] == before:  # noqa: ASYNC110 # only asking tells
                await asyncio.sleep(0.02)
        view = await offline.topic(made.config, "1234")
        assert view is not None
        assert (view.skipped, view.halted) == (1, None)
        assert str(view.last_skip).startswith(f"sequence {before + 1}: ")
        assert (await made.post("/v1/events", STATUS))[0] == 202
        assert await confirmed_sequence(client) == before + 2
        status, health = await made.get("/readyz")
        assert (status, health["ready"], health["degraded"]) == (200, True, [])


async def test_with_a_clock_an_hour_ahead_everything_comes_all_the_same(tmp_path: Path) -> None:
    clock = Clock(-3600 * NANOS)  # the network's
    network = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, clock=clock)
    async with world(tmp_path, network, mirror__streams=False) as made:
        clock.forward(5)  # so that there is a block
        async with running(made.config), WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("77", campaigns=["1234"])})
            assert (await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"}))[0] == 201
            await client.ask(subscribe={"channel": "campaign:1234"})
            assert (await made.post("/v1/events", STATUS))[0] == 202
            assert await confirmed_sequence(client) == 2


async def confirmed_sequence(client: WireClient) -> int:
    while True:
        publication = (await client.hear()).get("push", {}).get("pub")
        if publication is not None and publication["data"]["meta"]["phase"] == "confirmed":
            return int(publication["data"]["meta"]["sequence"])
