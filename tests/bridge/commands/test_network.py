"""hcs-bridge devnet: listens, leaves the keys that config.toml names, and says where everything is."""

from __future__ import annotations

import asyncio
import io
import socket
import stat
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from bridge.commands.exits import USAGE, CommandFailed
from bridge.commands.network import run_devnet, write_operator_key
from bridge.key_files import is_demo_key, read_secret
from topics.devnet.settings import DevnetSettings

QUICK = {"consensus_delay_s": 0.0, "mirror_delay_s": 0.0}


async def test_it_runs_until_cancelled_and_tells_where(tmp_path: Path) -> None:
    told = io.StringIO()
    running = asyncio.create_task(run_devnet(DevnetSettings(**QUICK), tmp_path, console=Console(file=told, width=120)))
    async with asyncio.timeout(10):
        while "Ctrl-C" not in told.getvalue():
            await asyncio.sleep(0.01)
    [mirror] = [word for word in told.getvalue().split() if word.startswith("http://")]
    async with aiohttp.ClientSession() as session, session.get(f"{mirror}/network/nodes") as response:
        assert response.status == 200
    for name in ("operator.key", "master.key", "signing.key", "api.key", "token.key"):
        assert is_demo_key((tmp_path / name).read_text())
        assert name == "operator.key" or len(read_secret(tmp_path / name, key="x")) == 64
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = DevnetSettings(mirror_port=taken.getsockname()[1])
        with pytest.raises(CommandFailed, match="can't listen") as caught:
            await run_devnet(settings, tmp_path, console=Console(file=io.StringIO()))
    assert caught.value.code == USAGE


def test_a_new_network_replaces_the_operators_key(tmp_path: Path) -> None:
    write_operator_key(tmp_path, "aa")
    path = write_operator_key(tmp_path, "bb")
    assert read_secret(path, key="x") == "bb"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
