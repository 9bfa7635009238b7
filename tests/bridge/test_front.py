"""The two doors: their addresses; what goes through them: tests/bridge/test_app.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.doors import Backend
from bridge.errors import ConfigInvalid
from bridge.front import front
from bridge.gateway.api import Parts
from bridge.gateway.hub import Hub
from bridge.remotes import connected
from bridge.rooms import outbound
from bridge.storage import opened
from tests.integration.world import world


async def nobody(*_: object) -> None:
    """Nothing is rejected here."""


@pytest.mark.parametrize("door", ["http", "gateway"])
async def test_both_listen_on_free_ports_and_a_certificate_that_is_none_is_refused(tmp_path: Path, door: str) -> None:
    async with (
        world(tmp_path, http__port=0, gateway__port=0) as made,
        opened(made.config, alone=True) as storage,
        connected(made.config, last_valid_start_ns=0) as remotes,
    ):
        backend = Backend(storage, outbound(storage, remotes, reject=nobody), Hub())
        doors = await front(storage, backend, Hub(), Parts())
        await doors.start({})
        http, gateway = doors.urls(made.config)
        assert http == f"http://127.0.0.1:{doors.api.port}"
        assert gateway == f"ws://127.0.0.1:{doors.gateway.port}/connection/websocket"
        assert all(doors.gateway.admits({"Origin": [page]}.__getitem__) for page in doors.api.origins)
        await doors.api.stop()
        await doors.gateway.drain()
        files = dict.fromkeys(("tls_certificate_file", "tls_key_file"), made.folder / "token.key")
        wrong = made.config.model_copy(update={door: getattr(made.config, door).model_copy(update=files)})
        with pytest.raises(ConfigInvalid, match=f"{door}.tls_certificate_file"):
            await front(replace(storage, config=wrong), backend, Hub(), Parts())
