"""Faults from another process, and the ledger as it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.topics.devnet.ground import FIRST, NOON_NS, SECOND
from tests.topics.devnet.running import control, get, running
from tests.topics.devnet.test_node import Client
from topics.devnet.faults import Fault


async def test_faults_come_and_go() -> None:
    now_ns = NOON_NS
    async with running(clock=lambda: now_ns) as devnet:
        client = Client(devnet)
        asked = {"fault": "busy", "times": 1, "node": "0.0.3"}
        assert await control(devnet, "POST", "faults", asked) == (200, {"faults": [asked]})
        body = client.draft()
        assert [await client.send(body) for _ in range(2)] == ["BUSY", "OK"]
        assert await control(devnet, "GET", "faults") == (200, {"faults": []})
        await control(devnet, "POST", "faults", {"fault": "clock-skew", "skew_s": 4, "for_s": 30})
        now_ns += 10 * 10**9
        assert devnet.faults.skew_ns(FIRST) == 4 * 10**9
        _, stands = await control(devnet, "GET", "faults")
        assert stands["faults"] == [{"fault": "clock-skew", "for_s": 20.0, "skew_s": 4.0}]
        for fault, node in (("hang", FIRST), ("hang", SECOND), ("busy", FIRST)):
            devnet.faults.inject(Fault(fault), node=node)
        _, left = await control(devnet, "DELETE", "faults?fault=hang&node=0.0.3")
        assert [(each["fault"], each["node"]) for each in left["faults"][1:]] == [("hang", "0.0.4"), ("busy", "0.0.3")]
        assert await control(devnet, "DELETE", "faults") == (200, {"faults": []})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"fault": "flood"}, "flood"),
        ({"fault": "busy", "often": 3}, "often"),
        ({"fault": "busy", "times": 0}, "times"),
        ({"fault": "busy", "node": "0.0.5"}, "0.0.5 is no node"),
        ({"fault": "busy", "node": "three"}, "three"),
        ({"fault": "busy", "skew_s": 3}, "skew_s"),
        ({"fault": "clock-skew"}, "skew_s"),
        ({}, "fault"),
        ({"fault": "mirror-freeze", "mirror": 1}, "no mirror 1"),
        ({"fault": "mirror-freeze", "topic": "seven"}, "seven"),
        ({"fault": "mirror-freeze", "side": "left"}, "left"),
        ({"fault": "mirror-lag"}, "needs lag_s"),
        ({"fault": "busy", "sequence": 3}, "sequence doesn't go with"),
    ],
)
async def test_what_makes_no_sense_is_refused(body: dict[str, Any], said: str) -> None:
    async with running() as devnet:
        code, answer = await control(devnet, "POST", "faults", body)
        assert code == 400
        assert said in answer["error"]
        assert devnet.faults.standing() == []
        assert (await control(devnet, "DELETE", "faults?fault=flood"))[0] == 400


async def test_faults_of_one_mirror_and_one_topic() -> None:
    async with running(mirrors=2) as devnet:
        lie = {"fault": "message-altered", "mirror": 1, "side": "rest", "topic": "0.0.7", "field": "running-hash"}
        late = {"fault": "mirror-lag", "mirror": 0, "lag_s": 2.5}
        await control(devnet, "POST", "faults", lie)
        assert await control(devnet, "POST", "faults", late) == (200, {"faults": [lie, late]})
        assert await control(devnet, "DELETE", "faults?topic=0.0.7") == (200, {"faults": [late]})
        assert await control(devnet, "DELETE", "faults?mirror=0") == (200, {"faults": []})
        assert (await control(devnet, "DELETE", "faults?mirror=first"))[0] == 400


async def test_an_unreachable_mirror_still_listens_here() -> None:
    async with running() as devnet:
        await control(devnet, "POST", "faults", {"fault": "mirror-unreachable"})
        assert (await control(devnet, "DELETE", "faults?fault=mirror-unreachable"))[0] == 200
        assert (await get(f"{devnet.mirror_url}/api/v1/network/nodes"))[0] == 200


async def test_a_node_is_moved_and_the_mirror_says_where() -> None:
    async with running() as devnet:
        code, moved = await control(devnet, "POST", "nodes/0.0.4/move")
        assert (code, moved) == (200, {"node": "0.0.4", "address": devnet.nodes[SECOND]})
        _, page, _ = await get(f"{devnet.mirror_url}/api/v1/network/nodes")
        endpoint = page["nodes"][1]["service_endpoints"][0]
        assert f"{endpoint['ip_address_v4']}:{endpoint['port']}" == devnet.nodes[SECOND]
        taken = int(devnet.nodes[FIRST].rpartition(":")[2])
        code, answer = await control(devnet, "POST", "nodes/0.0.4/move", {"port": taken})
        assert (code, "can't listen" in answer["error"]) == (409, True)
        assert (await control(devnet, "POST", "nodes/0.0.9/move"))[0] == 400


async def test_the_ledger_is_shown_before_the_mirror_has_it() -> None:
    async with running(mirror_delay_s=3600) as devnet:
        client = Client(devnet)
        await client.send(client.draft())
        code, ledger = await control(devnet, "GET", "ledger")
        assert code == 200
        assert [each["result"] for each in ledger["transactions"]] == ["INVALID_TOPIC_ID"]
