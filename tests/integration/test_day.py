"""A day of campaigns goes through the running daemon: every event reaches everyone entitled, once, and nobody else."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bridge import offline
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.cuttable import Cuttable
from tests.integration.in_clear import lengthened, nothing_readable
from tests.integration.listeners import Heard, npm_centrifuge, python_centrifuge
from tests.integration.world import SEES_ALL, World, until, world
from tests.recorded import recorded

AT_ONCE = 64
Said = tuple[str, str, str]  # event, time, payload


def said(event: str, time: str, payload: Any) -> Said:
    return event, time, json.dumps(payload, sort_keys=True)


def of_publication(data: dict[str, Any]) -> Said:
    return said(data["event"], data["data"]["timestamp"], data["data"]["payload"])


def expected(lines: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    by_channel = defaultdict(list)
    for line in lines:
        by_channel[line["to"] or f"campaign:{line['campaignId']}"].append(line)
    return by_channel


def of_lines(lines: Iterable[dict[str, Any]]) -> list[Said]:
    return [said(line["event"], line["at"], line["payload"]) for line in lines]


def with_canaries(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The day with ids long enough to be looked for, and with texts that nobody else ever wrote."""
    campaign, text, user = (f"canary-{secrets.token_hex(8)}" for _ in range(3))
    closed = {"campaignId": campaign, "message": text}
    notice = {"notificationType": "INFO", "title": text, "message": campaign}
    at = lines[-1]["at"]
    return [
        *(lengthened(line) for line in lines),
        {"at": at, "campaignId": campaign, "to": None, "event": "CAMPAIGN_CLOSED", "payload": closed},
        {"at": at, "campaignId": campaign, "to": f"user:{user}", "event": "SYSTEM_NOTIFICATION", "payload": notice},
    ]


@pytest.mark.parametrize("events", [1000, pytest.param(None, marks=pytest.mark.long)])
async def test_everything_arrives_once_in_order_at_those_it_is_for_and_is_readable_to_nobody(
    tmp_path: Path, events: int | None
) -> None:
    recording = recorded("campaign-day.jsonl").read_text().splitlines()[:events]
    lines = with_canaries([json.loads(line) for line in recording])
    owner = f"canary-{secrets.token_hex(8)}"
    file = tmp_path / "day.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    by_channel = expected(lines)
    campaigns = {channel: lines for channel, lines in by_channel.items() if channel.startswith("campaign:")}
    total = sum(len(lines) for lines in campaigns.values())
    async with world(tmp_path) as made:
        await made.start()
        assert (await made.post("/v1/campaigns", {"id": lines[0]["campaignId"], "ownerId": owner}))[0] == 201
        auditor = made.token("auditor", role=SEES_ALL)
        async with (
            Cuttable(made.config.gateway.port) as line,
            npm_centrifuge(made.gateway, auditor, list(campaigns)) as steady,
            python_centrifuge(
                made.gateway.replace(str(made.config.gateway.port), str(line.port)), auditor, list(campaigns)
            ) as cut,
        ):
            await until(lambda: len(steady.subscribed) == len(cut.subscribed) == len(campaigns))
            publishing = asyncio.create_task(made.command("publish", file, "--json"))
            await until(lambda: cut.count > total // 4)
            line.cut()
            await until(lambda: steady.count > total // 2)
            line.mend()
            code, out, err = await publishing
            assert (code, json.loads(out)["accepted"], json.loads(out)["refused"]) == (0, len(lines), []), err
            await until(lambda: steady.count >= total and cut.count >= total, deadline_s=120)
            assert not cut.lost
            for heard in (steady, cut):
                agrees(heard, campaigns)
        await same_straight_from_the_mirror(made, steady)
        await users_get_theirs(made, by_channel)
        nothing_readable(made, lines, {owner})
        assert await made.stop() == 0


def agrees(heard: Heard, campaigns: dict[str, list[dict[str, Any]]]) -> None:
    for channel, lines in campaigns.items():
        assert [of_publication(data) for _, data in heard.confirmed[channel]] == of_lines(lines)
        offsets = [offset for offset, _ in heard.confirmed[channel]]
        assert offsets == sorted(set(offsets))
        places = [data["meta"]["sequence"] * 1000 + data["meta"]["index"] for _, data in heard.confirmed[channel]]
        assert offsets == places
        assert set(heard.provisional[channel]) <= {data["meta"]["id"] for _, data in heard.confirmed[channel]}


async def same_straight_from_the_mirror(made: World, heard: Heard) -> None:
    """A reader of the mirror with local keys ends with the same list as a client of the gateway."""
    for channel, found in heard.confirmed.items():
        straight = []
        async for data in offline.tail(made.config, channel):
            straight.append(data)
            if len(straight) == len(found):
                break
        assert straight == [data for _, data in found]


async def users_get_theirs(made: World, by_channel: dict[str, list[dict[str, Any]]]) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def check(channel: str, lines: list[dict[str, Any]]) -> None:
        async with room, WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token(channel.removeprefix("user:"))})
            reply = await client.ask(
                subscribe={"channel": channel, "recover": True, "recoverable": True, "offset": 0, "epoch": ""}
            )
            found = reply["subscribe"]["publications"]
            assert [publication["offset"] for publication in found] == list(range(1, len(lines) + 1))
            # Several campaigns feed a user's channel: order holds within each.
            for campaign in {line["campaignId"] for line in lines}:
                theirs = [p["data"] for p in found if p["data"]["meta"]["campaignId"] == campaign]
                wanted = of_lines(line for line in lines if line["campaignId"] == campaign)
                assert [of_publication(data) for data in theirs] == wanted
            stranger = await client.ask(subscribe={"channel": "user:1"})
            assert stranger["error"]["code"] == 103

    users = {channel: lines for channel, lines in by_channel.items() if channel.startswith("user:")}
    async with asyncio.TaskGroup() as group:
        for channel, lines in users.items():
            group.create_task(check(channel, lines))
