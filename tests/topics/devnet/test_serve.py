"""The network alone: runs until cancelled, and leaves its operator's key where it was told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.topics.devnet.running import get
from topics.devnet.devnet import Devnet
from topics.devnet.serve import KeyFileInTheWay, serve, write_operator_key
from topics.devnet.settings import DevnetSettings


async def test_serves_until_cancelled(tmp_path: Path) -> None:
    ready: asyncio.Future[Devnet] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(DevnetSettings(), tmp_path / "devnet", on_ready=ready.set_result))
    devnet = await asyncio.wait_for(ready, 10)
    url = f"{devnet.mirror_url}/api/v1/network/nodes"
    assert (await get(url))[0] == 200
    path = tmp_path / "devnet" / "operator.key"
    assert path.read_text() == f"# hcs-bridge demo key: devnet only\n{devnet.operator_key}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(OSError, match="Cannot connect"):
        await get(url)


async def test_without_a_directory() -> None:
    listening = asyncio.Event()
    task = asyncio.create_task(serve(DevnetSettings(), on_ready=lambda _: listening.set()))
    await asyncio.wait_for(listening.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_replaces_its_own_key_only(tmp_path: Path) -> None:
    path = write_operator_key(tmp_path, "aa")
    path.chmod(0o644)
    write_operator_key(tmp_path, "bb")
    assert path.read_text().splitlines()[1] == "bb"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["operator.key"]
    path.write_text("a key of somebody's\n")
    with pytest.raises(KeyFileInTheWay, match="left alone"):
        write_operator_key(tmp_path, "cc")
    assert path.read_text() == "a key of somebody's\n"
