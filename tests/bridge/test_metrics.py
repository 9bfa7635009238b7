"""What Prometheus gets agrees with what happened, names nobody, and is what docs/metrics.md says."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from websockets.exceptions import ConnectionClosed

from bridge.app import running
from bridge.commands.token import mint
from bridge.config_sections.doors import ALL_SCOPES
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.world import World, world
from topics.devnet.faults import Fault, Field
from topics.network_time import NetworkTime
from topics.values import NANOS

ROOT = Path(__file__).parents[2]
SECRET = "nobody else's business"
LONG = "".join(secrets.choice("abcdefghijklmnop") for _ in range(2000))  # which no compression makes fit
CHANGE = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1234", "message": SECRET}}
LABEL_VALUE = re.compile(r"[A-Za-z0-9 _.+-]{0,60}")


class Scrape:
    """One look at /metrics."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(text_string_to_metric_families(text))

    @property
    def samples(self) -> list[Sample]:
        return [sample for family in self.families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        found = [sample.value for sample in self.samples if sample.name == name and sample.labels == labels]
        assert found, f"no {name} {labels}"
        return found[0]

    def count(self, name: str, **labels: str) -> float:
        """As `value`, of what begins with its first time."""
        return sum(each.value for each in self.samples if each.name == name and each.labels == labels)


async def becomes(made: World, condition: Callable[[Scrape], bool]) -> None:
    """Look until it holds."""
    end_s = time.monotonic() + 20
    while not condition(await scraped(made)):
        assert time.monotonic() < end_s, "the condition never held"
        await asyncio.sleep(0.05)


async def scraped(made: World) -> Scrape:
    key = (made.folder / "api.key").read_text().splitlines()[1]
    allowed = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(made.http) as session, session.get("/metrics", headers=allowed) as answer:
        assert (answer.status, answer.content_type) == (200, "text/plain")
        return Scrape(await answer.text())


@pytest.fixture
async def looks(tmp_path: Path) -> tuple[Scrape, Scrape]:
    """Before and after a few things happened."""
    async with (
        world(tmp_path, budgets__day_hbar=100.0) as made,
        running(made.config),
        WireClient(made.gateway) as client,
    ):
        await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"})
        before = await scraped(made)
        await client.ask(connect={"token": made.token("77")})
        await client.ask(subscribe={"channel": "campaign:1234"})
        made.devnet.faults.inject(Fault.BUSY, times=1)
        for _ in range(3):
            await made.post("/v1/events", CHANGE)
        phases = [(await client.hear())["push"]["pub"]["data"]["meta"]["phase"] for _ in range(6)]
        assert phases.count("confirmed") == 3
        async with WireClient(made.gateway) as stranger:
            with pytest.raises(ConnectionClosed):
                await stranger.ask(connect={"token": "not.a.token"})
        await made.post("/v1/events", b"no json")
        await becomes(made, lambda seen: seen.value("hcs_bridge_spent_hbar") > 0)  # booked behind the confirmation
        return before, await scraped(made)


async def test_it_agrees_with_what_happened(looks: tuple[Scrape, Scrape]) -> None:
    before, after = looks

    def more(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.count(name, **labels)

    assert more("hcs_bridge_events_accepted_total") == 3
    assert more("hcs_bridge_relayed_total", kind="event") == 3
    assert more("hcs_bridge_lag_seconds_count", stage="outbox") == 3
    assert more("hcs_bridge_lag_seconds_count", stage="ledger") == 3
    assert more("hcs_bridge_lag_seconds_count", stage="mirror") == 3
    assert more("hcs_bridge_node_answers_total", status="BUSY") == 1
    assert more("hcs_bridge_tokens_refused_total", reason="refused") == 1
    assert more("hcs_bridge_http_refusals_total", status="400") == 1
    assert more("hcs_bridge_disconnects_total", code="3500") == 1
    assert more("hcs_bridge_flights_total") >= 1
    assert more("hcs_bridge_commit_seconds_count") >= 3
    assert more("hcs_bridge_read_seconds_count") >= 1
    assert more("hcs_bridge_messages_verified_total") >= 2  # its manifest, and a frame at least
    outbox, ledger = (more("hcs_bridge_lag_seconds_sum", stage=stage) for stage in ("outbox", "ledger"))
    assert 0 <= outbox <= ledger
    assert more("hcs_bridge_mirror_answers_total", status="200") >= 1
    assert (after.value("hcs_bridge_connections"), after.value("hcs_bridge_subscriptions")) == (1, 1)
    assert after.value("hcs_bridge_outbox_entries", state="waiting") == 0
    assert after.value("hcs_bridge_campaigns") == 1
    assert after.value("hcs_bridge_shards") == 64
    assert after.value("hcs_bridge_database_answers") == 1
    assert after.value("hcs_bridge_oldest_entry_age_seconds") == 0
    assert after.value("hcs_bridge_spent_hbar") > 0
    assert after.value("hcs_bridge_spent_usd") > 0
    assert 0 < after.value("hcs_bridge_day_budget_left_hbar") < 100
    assert 0 <= after.value("hcs_bridge_last_verified_age_seconds") < 60
    assert after.value("hcs_bridge_database_bytes") > 4096
    assert after.value("process_open_fds") > 3


async def test_what_went_wrong_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that the network refuses, tokens that are over, nodes that are gone, a message that isn't ours."""
    async with world(tmp_path) as made, running(made.config), WireClient(made.gateway) as client:
        await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"})
        await client.ask(connect={"token": made.token("77")})
        await client.ask(subscribe={"channel": "campaign:1234"})
        before = await scraped(made)
        monkeypatch.setattr("topics.devnet.consensus_service.MAX_MESSAGE_BYTES", 600)  # the network takes less
        await made.post("/v1/events", {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1234", "message": LONG}})
        phases = [(await client.hear())["push"]["pub"]["data"]["meta"]["phase"] for _ in range(2)]
        assert phases[-1] == "rejected"
        monkeypatch.undo()
        over = mint(made.config, "77", ttl_s=60, now_s=int(time.time()) - 3600)
        async with WireClient(made.gateway) as late:
            await late.ask(connect={"token": over})
        made.devnet.faults.inject(Fault.MESSAGE_ALTERED, field=Field.RUNNING_HASH, sequence=2)
        await made.post("/v1/events", CHANGE)
        await becomes(made, lambda seen: seen.value("hcs_bridge_topics_halted") == 1)
        made.devnet.faults.inject(Fault.NODE_DOWN)
        await made.post("/v1/events", CHANGE)
        await becomes(made, lambda seen: seen.value("hcs_bridge_outbox_entries", state="flying") == 1)
        after = await scraped(made)
        hour_ago_ns = time.time_ns() - 3600 * NANOS
        monkeypatch.setattr("bridge.metrics.time", SimpleNamespace(time_ns=lambda: hour_ago_ns))
        monkeypatch.setattr(NetworkTime, "now_ns", lambda _: hour_ago_ns)
        set_back = await scraped(made)
        monkeypatch.undo()
        made.devnet.faults.clear()  # or the drain waits for them
    for name, labels in (
        ("hcs_bridge_events_parked_total", {}),
        ("hcs_bridge_topic_halts_total", {}),
        ("hcs_bridge_tokens_refused_total", {"reason": "expired"}),
    ):
        assert after.value(name, **labels) - before.count(name, **labels) == 1, name
    assert after.value("hcs_bridge_oldest_entry_age_seconds") > 0
    ages = [sample.value for sample in set_back.samples if sample.name.endswith("_age_seconds")]
    assert ages == [0, 0]  # never below nought, whatever a clock is set to


async def test_where_nothing_was_ever_verified_nothing_is_old(tmp_path: Path) -> None:
    async with world(tmp_path) as made, running(made.config):
        made.devnet.faults.inject(Fault.MESSAGE_ALTERED, field=Field.RUNNING_HASH, sequence=1)
        await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"})
        await becomes(made, lambda seen: seen.value("hcs_bridge_topics_halted") == 1)
        assert (await scraped(made)).value("hcs_bridge_last_verified_age_seconds") == 0


async def test_a_database_that_does_not_answer_takes_only_its_own_figures_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as made, running(made.config):
        monkeypatch.setattr("bridge.metrics.LOOK_S", 0)
        stalled = await scraped(made)
        monkeypatch.undo()
        well = await scraped(made)
    assert (stalled.value("hcs_bridge_database_answers"), well.value("hcs_bridge_database_answers")) == (0, 1)
    assert {sample.name for sample in stalled.samples} < {sample.name for sample in well.samples}
    assert stalled.value("hcs_bridge_connections") == 0
    assert stalled.value("hcs_bridge_mirror_answers_total", status="429") >= 0


async def test_it_names_nobody(looks: tuple[Scrape, Scrape]) -> None:
    text = looks[1].text
    for told in ('"1234"', SECRET, "user:", "campaign:", "0.0.10"):
        assert told not in text
    for sample in looks[1].samples:
        assert all(LABEL_VALUE.fullmatch(value) for value in sample.labels.values())
    assert all(family.documentation for family in looks[1].families)
    assert len(looks[1].samples) < 300


async def test_who_may_not_look(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        http = made.config.http
        others = {"scopes": tuple(scope for scope in ALL_SCOPES if scope != "metrics:read")}
        keys = {"api_keys": tuple(key.model_copy(update=others) for key in http.api_keys)}
        async with running(made.config.model_copy(update={"http": http.model_copy(update=keys)})):
            status, refusal = await made.get("/metrics")
            assert (status, refusal["error"]["code"]) == (403, "forbidden")
            assert "metrics:read" in refusal["error"]["message"]
            async with aiohttp.ClientSession(made.http) as session, session.get("/metrics") as answer:
                assert answer.status == 401


async def test_the_page_names_what_is_there(looks: tuple[Scrape, Scrape]) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(hcs_bridge_\w+)` \| (\w+) \| (\w*) \| (.*) \|$", page, re.MULTILINE)
    ours = {each.name: each for each in looks[1].families if each.name.startswith("hcs_bridge")}
    assert {name.removesuffix("_total"): (kind, says) for name, kind, _, says in rows} == {
        name: (each.type, each.documentation) for name, each in ours.items()
    }
    for name, _, label, _ in rows:
        labels = {label for sample in ours[name.removesuffix("_total")].samples for label in sample.labels} - {"le"}
        assert not labels or labels == {label}, name
