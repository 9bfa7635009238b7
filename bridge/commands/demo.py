"""`hcs-bridge demo`: a network, the bridge, and a sample day of campaigns going through both, in one process."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.markup import escape

from bridge.app import running
from bridge.commands.door import Door, api_key_for
from bridge.commands.exits import FAILED, CommandFailed
from bridge.commands.lines import publication_line
from bridge.commands.tail import SUBSCRIBED, Tail
from bridge.commands.token import mint
from bridge.config import Config
from bridge.demo.account import Account
from bridge.demo.audit import recomputed
from bridge.demo.day import FOLLOWERS, OWNERS, Change, SampleCampaign, sample_campaigns, sample_day
from bridge.demo.keys import make_demo_keys
from bridge.demo.setting import demo_config, free_port
from bridge.log import set_up
from topics.devnet.devnet import Devnet
from topics.devnet.serve import write_operator_key
from topics.devnet.settings import DevnetSettings
from topics.fees import TINYBAR_PER_HBAR, TINYCENTS_PER_USD
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings

TOKEN_S = 600
LIVE_RATE = 3.0
ONCE_RATE = 50.0
PATIENCE_S = 60.0
NODE_PORTS = (50211, 50212)
MIRROR_PORT = 5551
STYLES = {"provisional": "dim", "confirmed": "green", "rejected": "red"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for; `rate` 0 is the default of the form."""

    consensus_ms: int
    mirror_ms: int
    campaigns: int
    rate: float
    once: bool
    as_json: bool

    @property
    def settings(self) -> DevnetSettings:
        """The devnet's, on its usual ports or free ones."""
        return DevnetSettings(
            node_ports=(free_port(NODE_PORTS[0]), free_port(NODE_PORTS[1])),
            mirror_port=free_port(MIRROR_PORT),
            consensus_delay_s=self.consensus_ms / 1000,
            mirror_delay_s=self.mirror_ms / 1000,
        )


async def run_demo(options: Options, config_path: Path | None) -> None:
    """Play the day; then, unless once, leave the page up until cancelled. Raises CommandFailed."""
    console = Console(stderr=options.as_json, highlight=False)
    with TemporaryDirectory(prefix="hcs-bridge-demo-") as folder:
        state = Path(folder)
        async with Devnet(options.settings) as devnet:
            make_demo_keys(state)
            write_operator_key(state, devnet.operator_key)
            config = demo_config(
                config_path,
                state,
                nodes=devnet.nodes,
                mirror_url=devnet.mirror_url,
                operator=devnet.operator_id,
                mirror_grpc_address=devnet.mirror_grpc_address,
            )
            set_up(config.log)
            await _Play(options, config, devnet, console).run()


class _Play:
    """One performance: the sample day against one running bridge."""

    def __init__(self, options: Options, config: Config, devnet: Devnet, console: Console) -> None:
        self._options = options
        self._config = config
        self._devnet = devnet
        self._console = console
        self._account = Account(devnet.settings.mirror_delay_ns)
        self._campaigns = sample_campaigns(options.campaigns)
        self._gateway_url = ""
        self._subscribed: set[str] = set()

    async def run(self) -> None:
        """Start the bridge, play, tell."""
        page = None if self._options.once else self._page
        async with running(self._config, page_data=page) as bridge:
            self._gateway_url = bridge.gateway_url
            if page is not None:
                self._console.print(f"the live page: [bold]{bridge.http_url}/[/bold]")
            key = api_key_for(self._config, "events:write")
            async with asyncio.TaskGroup() as clients, Door(bridge.http_url, key, patience_s=PATIENCE_S) as door:
                await self._register(door)
                watching = [clients.create_task(self._watch(channel)) for channel in self._channels()]
                await self._until(lambda: len(self._subscribed) == len(watching), "subscriptions")
                await self._replay(door, sample_day(len(self._campaigns), start=datetime.now(UTC)))
                await self._until(lambda: not self._account.waiting, "events")
                await self._tell()
                if not self._options.once:
                    self._console.print("the day is over; the page stays up until Ctrl-C")
                    await asyncio.Event().wait()
                for task in watching:
                    task.cancel()

    def _channels(self) -> list[str]:
        users = (*OWNERS, *FOLLOWERS)
        return [*(f"campaign:{campaign.id}" for campaign in self._campaigns), *(f"user:{user}" for user in users)]

    def _page(self) -> dict[str, Any]:
        """What the live page asks for at /demo.json."""
        return {
            "gateway": self._gateway_url,
            "token": self._token("demo", [campaign.id for campaign in self._campaigns]),
            "channels": [f"campaign:{campaign.id}" for campaign in self._campaigns],
            "titles": {campaign.id: campaign.title for campaign in self._campaigns},
            "mirror": self._devnet.mirror_url,
        }

    def _token(self, user: str, campaigns: Sequence[str] = ()) -> str:
        return mint(self._config, user, campaigns=campaigns, ttl_s=TOKEN_S, now_s=int(time.time()))

    async def _register(self, door: Door) -> None:
        self._console.print(f"making a topic for each of {len(self._campaigns)} campaigns ...")
        await asyncio.gather(*(self._register_one(door, campaign) for campaign in self._campaigns))

    async def _register_one(self, door: Door, campaign: SampleCampaign) -> None:
        answer = await door.post(
            "/v1/campaigns", json.dumps({"id": campaign.id, "ownerId": campaign.owner_id}).encode()
        )
        if answer.status >= 300:
            raise CommandFailed(f"campaign {campaign.id} was refused: {answer.reason()}")

    async def _watch(self, channel: str) -> None:
        """A client with its own connection: a campaign's owner, or a user."""
        kind, _, name = channel.partition(":")
        owners = {campaign.id: campaign.owner_id for campaign in self._campaigns}
        tail = Tail(channel, notice=partial(self._noticed, channel))
        token = partial(self._token, owners[name] if kind == "campaign" else name)
        async for publication in tail.publications(self._gateway_url, token):
            arrived_ns = time.time_ns()
            self._account.published(channel, publication, arrived_ns)
            style = STYLES.get(publication["meta"]["phase"], "")
            line = publication_line(publication, arrived_ns=arrived_ns)
            self._console.print(f"[{style}]{escape(line)}[/]", soft_wrap=True)

    def _noticed(self, channel: str, text: str) -> None:
        if text.startswith(SUBSCRIBED):
            self._subscribed.add(channel)

    async def _replay(self, door: Door, day: Sequence[Change]) -> None:
        rate = self._options.rate or (ONCE_RATE if self._options.once else LIVE_RATE)
        started = time.monotonic()
        for index, change in enumerate(day):
            await asyncio.sleep(max(0.0, started + index / rate - time.monotonic()))
            sent_ns = time.time_ns()
            answer = await door.post("/v1/events", json.dumps(change).encode())
            if answer.status != 202:
                raise CommandFailed(f"the sample day was refused: {answer.reason()} {answer.body}")
            channel = change.get("to") or f"campaign:{change['campaignId']}"
            for event_id in answer.body["ids"]:
                self._account.posted(event_id, channel, change.get("campaignId"), at_ns=sent_ns)

    async def _until(self, done: Callable[[], bool], what: str) -> None:
        delays_s = self._devnet.settings.consensus_delay_s + self._devnet.settings.mirror_delay_s
        deadline = time.monotonic() + PATIENCE_S + 4 * delays_s
        while not done():
            if time.monotonic() > deadline:
                raise CommandFailed(
                    f"some {what} are missing after {PATIENCE_S:.0f} s: {self._account.waiting}", code=FAILED
                )
            await asyncio.sleep(0.02)

    async def _tell(self) -> None:
        mirror = Mirror(self._devnet.mirror_url, MirrorSettings(max_requests_per_s=1000))
        try:
            summary = self._account.summary(await recomputed(mirror, self._account.topic_ids))
            summary |= await self._cost(mirror)
        finally:
            await mirror.close()
        if self._options.as_json:
            sys.stdout.write(json.dumps(summary) + "\n")
            sys.stdout.flush()
        else:
            self._console.print(" · ".join(f"{name} {value}" for name, value in summary.items()), soft_wrap=True)

    async def _cost(self, mirror: Mirror) -> dict[str, float]:
        """What the operator paid, topics included."""
        account = await mirror.account(self._devnet.operator_id)
        rate = await mirror.exchange_rate()
        left = self._devnet.settings.operator_balance_tinybar if account is None else account.balance_tinybar
        spent = self._devnet.settings.operator_balance_tinybar - left
        return {"hbar": round(spent / TINYBAR_PER_HBAR, 8), "usd": round(rate.tinycents(spent) / TINYCENTS_PER_USD, 6)}
