"""hcs-bridge devnet: listens, leaves the keys that config.toml names, and says where everything is."""

from __future__ import annotations

import asyncio
import io
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bridge.commands.exits import USAGE, CommandFailed
from bridge.commands.network import print_addresses, run_devnet
from bridge.key_files import is_demo_key, read_secret
from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings

SETTINGS = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)


def printed(devnet: Devnet, directory: Path) -> str:
    out = io.StringIO()
    print_addresses(devnet, directory, Console(file=out, width=160))
    return out.getvalue()


async def test_it_leaves_keys_and_runs_until_cancelled(tmp_path: Path) -> None:
    ready: asyncio.Future[Devnet] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_devnet(SETTINGS, tmp_path, tell=ready.set_result))
    devnet = await asyncio.wait_for(ready, 10)
    assert len(devnet.nodes) == 2
    for name in ("operator.key", "master.key", "signing.key", "api.key", "token.key"):
        assert is_demo_key((tmp_path / name).read_text())
        assert read_secret(tmp_path / name, key="x")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_addresses_are_printed(tmp_path: Path) -> None:
    async with Devnet(replace(SETTINGS, mirrors=2)) as devnet:
        shown = printed(devnet, tmp_path)
    assert "gone when it stops" in shown
    mirrors = [address for each in devnet.mirrors for address in (each.rest.url, each.grpc.address)]
    assert all(address in shown for address in (*devnet.nodes.values(), *mirrors, str(devnet.operator_id)))


async def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = DevnetSettings(mirror_port=taken.getsockname()[1])
        with pytest.raises(CommandFailed, match="can't listen") as caught:
            await run_devnet(settings, tmp_path, tell=print)
    assert caught.value.code == USAGE


async def test_a_real_key_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "operator.key").write_text("302e...")
    with pytest.raises(CommandFailed, match="left alone"):
        await run_devnet(SETTINGS, tmp_path, tell=print)
    assert (tmp_path / "operator.key").read_text() == "302e..."


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandFailed, match="can't write to") as caught:
        await run_devnet(SETTINGS, tmp_path / "file", tell=print)
    assert caught.value.code == USAGE


async def test_a_kept_network_goes_on_and_is_run_once_only(tmp_path: Path) -> None:
    settings = replace(SETTINGS, directory=tmp_path)
    async with Devnet(settings) as first:
        first.create_account()
        with pytest.raises(CommandFailed, match="in use by another devnet") as caught:
            await run_devnet(settings, tmp_path, tell=print)
        assert caught.value.code == USAGE
        assert "new network" in printed(first, tmp_path)
    ready: asyncio.Future[Devnet] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_devnet(settings, tmp_path, tell=ready.set_result))
    devnet = await asyncio.wait_for(ready, 10)
    assert devnet.operator_key == first.operator_key == read_secret(tmp_path / "operator.key", key="x")
    assert "goes on where it was" in printed(devnet, tmp_path)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_network_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "ledger.journal").write_text("something else")
    with pytest.raises(CommandFailed, match="begins with something else") as caught:
        await run_devnet(replace(SETTINGS, directory=tmp_path), tmp_path, tell=print)
    assert caught.value.code == USAGE
    assert "--fresh" in caught.value.hint
