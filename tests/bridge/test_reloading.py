"""What a reload takes, what it leaves, and what systemd hears; what the keys do: tests/integration/test_reload.py."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

from bridge.app import running
from bridge.config import Config
from bridge.config_sections import Budgets, Gateway, Http
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.reloading import LIVE, differing, with_live
from bridge.systemd import Service
from tests.integration.world import world


def test_every_live_key_is_one() -> None:
    config = Config()
    assert all(hasattr(getattr(config, section), key) for section, keys in LIVE.items() for key in keys)


def test_what_can_change_does_and_the_rest_is_named() -> None:
    told = Config(gateway=Gateway(port=1, max_connections=2), http=Http(port=3), budgets=Budgets(day_hbar=4))
    taken = with_live(Config(), told)
    assert differing(Config(), taken) == ["budgets.day_hbar", "gateway.max_connections"]
    assert differing(taken, told) == ["http.port", "gateway.port"]
    assert (taken.gateway.port, taken.gateway.max_connections) == (Gateway().port, 2)


async def test_systemd_hears_of_each_reload_also_of_one_that_is_refused(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(address))
        told.setblocking(False)

        async def heard(word: str) -> list[str]:
            async with asyncio.timeout(10):
                while True:
                    news = (await asyncio.get_running_loop().sock_recv(told, 4096)).decode().split("\n")
                    if news[0] == word:
                        return news

        async with world(tmp_path) as made:

            def read() -> Config:
                raise ConfigInvalid([ConfigProblem("config.toml", "http.port", "x", "is wrong")])

            async with running(made.config, unit=Service(str(address)), read=read):
                before_us = time.monotonic_ns() // 1000
                os.kill(os.getpid(), signal.SIGHUP)  # heard from the start on
                _, stamp = await heard("RELOADING=1")
                assert before_us <= int(stamp.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
                assert await heard("READY=1") == ["READY=1"]
                assert (await made.get("/v1/info"))[0] == 200
