"""The whole examination: complete, in time whatever hangs, and without a trace on the ledger."""

from __future__ import annotations

import asyncio
import time

from bridge.app import running
from bridge.doctor.examination import examined
from bridge.doctor.findings import Status
from tests.bridge.doctor.ward import changed, of
from tests.integration.world import World
from topics.devnet.faults import Fault


async def test_beside_a_daemon_all_is_well_and_nothing_is_spent(made: World) -> None:
    async with running(made.config):
        balance = made.devnet.network.state.accounts[made.devnet.operator_id].balance
        found = await examined(made.config)
        assert made.devnet.network.state.accounts[made.devnet.operator_id].balance == balance
    assert [each for each in found if each.status is Status.FAILED] == []
    assert len({each.name for each in found}) == len(found)
    assert of(found, "HTTP door").found.startswith("our own daemon")
    assert of(found, "schema").status is Status.OK


async def test_every_mirror_is_asked(made: World) -> None:
    urls = (made.devnet.mirror_url, "http://127.0.0.1:1")
    found = await examined(changed(made.config, "mirror", urls=urls))
    assert of(found, f"mirror {urls[0]}").status is not Status.FAILED
    assert of(found, f"mirror {urls[1]}").status is Status.FAILED
    assert of(found, "operator account").status is Status.OK


async def test_nothing_hangs(made: World) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        writer.close()

    made.devnet.faults.inject(Fault.HANG)
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    config = changed(changed(made.config, "mirror", urls=(url,)), "doctor", timeout_s=1.0)
    started = time.monotonic()
    found = await examined(config)
    assert time.monotonic() - started < 3
    server.close()
    names = ("operator account", "balance", f"mirror {url}", "node 0.0.3", "node 0.0.4")
    assert {of(found, name).status for name in names} == {Status.FAILED}
    assert of(found, "database").status is Status.OK
