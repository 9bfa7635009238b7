"""The doors: their addresses, and what they need; what goes through them: tests/bridge/test_app.py."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bridge.config import Config
from bridge.config_sections import Ingest, PostgresSource
from bridge.doors import Backend, ChannelHistory
from bridge.errors import ConfigInvalid
from bridge.fanout import only_here
from bridge.front import Front, front, readers
from bridge.gateway.api import Parts
from bridge.gateway.hub import Hub
from bridge.gateway.presence import Presence
from bridge.gateway.shared import Rooms
from bridge.remotes import connected
from bridge.revoked import kept_revocations
from bridge.room_settings import authenticator
from bridge.rooms import outbound
from bridge.storage import Storage, now_ms, opened, steady_ms
from tests.integration.world import world


async def nobody(*_: object) -> None:
    """Nothing is rejected here."""


async def doors_of(storage: Storage, backend: Backend) -> Front:
    history, tokens = ChannelHistory(storage), authenticator(storage.config, await kept_revocations(storage))
    rooms = Rooms(Hub(), Presence(), history, tokens, history.owner_of, now_ms, steady_ms)
    return front(storage, backend, rooms, Parts())


@pytest.mark.parametrize("door", ["http", "gateway"])
async def test_both_listen_on_free_ports_and_a_certificate_that_is_none_is_refused(tmp_path: Path, door: str) -> None:
    async with (
        world(tmp_path, http__port=0, gateway__port=0) as made,
        opened(made.config, alone=True) as storage,
        connected(made.config, last_valid_start_ns=0) as remotes,
    ):
        backend = Backend(storage, outbound(storage, remotes, reject=nobody), only_here(Hub()), lambda _refs: None)
        doors = await doors_of(storage, backend)
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
            await doors_of(replace(storage, config=wrong), backend)


class Untouched:
    """Stands where a backend would: building a reader asks nothing of it."""

    async def take(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing is read yet")


def sources(*urls: str) -> Config:
    made = tuple(PostgresSource(name=f"s{number}", url=url) for number, url in enumerate(urls))
    return Config().model_copy(update={"ingest": Ingest(postgres=made)})


def test_each_source_has_its_reader() -> None:
    backend = cast("Backend", Untouched())
    assert readers(Config(), backend) == []
    found = readers(sources("postgresql://h/d", "postgres://h/e"), backend)
    assert [reader.name for reader in found] == ["s0", "s1"]


def test_a_url_that_is_none_is_refused_by_its_place() -> None:
    with pytest.raises(ConfigInvalid, match=r"ingest\.postgres\.1\.url.*is no URL") as refused:
        readers(sources("postgresql://h/d", "postgresql://bob:hunter2@[::1/e"), cast("Backend", Untouched()))
    assert "hunter2" not in str(refused.value)


def test_without_psycopg_only_a_source_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("psycopg", "bridge.intake.postgres"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delattr("bridge.intake.postgres", raising=False)
    assert readers(Config(), cast("Backend", Untouched())) == []
    with pytest.raises(ConfigInvalid, match=r"pip install 'hcs-bridge\[postgresql\]'"):
        readers(sources("postgresql://h/d"), cast("Backend", Untouched()))
