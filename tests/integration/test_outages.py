"""What the bridge stands on fails it: a name, a certificate, the account's balance. It says which, and goes on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bridge.app import running
from bridge.demo.setting import environment
from tests.bridge.gateway.made_certificate import made_certificate
from tests.integration.opened_ledger import opened_topics
from tests.integration.test_full_disk import confirmed, send
from tests.integration.world import World, until, world
from tests.rooms import until as eventually
from topics.devnet.state import TREASURY

NOWHERE = "nowhere.invalid"  # RFC 6761: no resolver knows it
QUICK: dict[str, Any] = {
    "ledger__max_attempts": 1,
    "ledger__request_timeout_s": 1.0,
    "publish__retry_initial_s": 0.1,
    "publish__retry_max_s": 0.3,
    "mirror__backoff_initial_s": 0.05,
    "mirror__backoff_max_s": 0.3,
}


@asynccontextmanager
async def mirror_with(certificate: tuple[Path, Path]) -> AsyncIterator[str]:
    """Somebody who answers over TLS, if anybody believes him."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_mirrors_of_no_name_or_of_an_old_certificate_are_told_and_another_serves(tmp_path: Path) -> None:
    certificate = made_certificate(tmp_path, "mirror", expired=True)
    async with mirror_with(certificate) as expired, world(tmp_path, **QUICK) as made:
        urls = [expired, f"http://{NOWHERE}", made.devnet.mirror_url]
        trusts = {"SSL_CERT_FILE": str(certificate[0])}  # so that only its age speaks against it
        made.environ = {**made.environ, **environment({"mirror.urls": urls}), **trusts}
        await made.start()
        _, answer, _ = await send(made, 0)
        await confirmed(made, answer["ids"][0])
        await until(lambda: made.log.count("is down") >= 2)
        assert "certificate has expired" in made.log
        assert NOWHERE in made.log
        assert "Name or service not known" in made.log
        _, ready = await made.get("/readyz")
        assert (ready["mirrors"], "mirrors" in ready["degraded"]) == ({"down": 2, "of": 3}, False)
        _, told, _ = await made.command("doctor", "--config", tmp_path / "config.toml")
        assert "certificate has expired" in told
        assert f"http://{NOWHERE}" in told
        assert await made.stop() == 0


async def test_without_a_name_for_mirror_or_nodes_events_wait_and_then_go_once(tmp_path: Path) -> None:
    async with world(tmp_path, **QUICK) as made:
        nowhere = {"network.nodes": [{"account": "0.0.3", "address": f"{NOWHERE}:50211"}]}
        good, made.environ = (
            made.environ,
            {
                **made.environ,
                **environment(nowhere | {"mirror.urls": [f"http://{NOWHERE}"]}),
            },
        )
        await made.start()
        sent = [await send(made, number) for number in range(3)]
        ids = [answer["ids"][0] for _, answer, _ in sent]
        await until(lambda: "flight delayed" in made.log and "relay waits" in made.log)
        _, ready = await made.get("/readyz")
        assert {"mirrors", "nodes"} <= {*ready["degraded"]}
        _, waiting = await made.get("/v1/outbox")
        assert NOWHERE in str(waiting)
        assert await made.stop() == 0
        made.environ = good
        await made.start()
        for id_ in ids:
            await confirmed(made, id_)
        assert await made.stop() == 0
        topic = (await opened_topics(made))["1"]
        assert [id_ for id_, _, _ in topic.said] == ids


def balance(made: World) -> int:
    return made.devnet.network.state.accounts[made.devnet.operator_id].balance


async def test_an_empty_balance_is_told_with_the_account_and_once_there_is_one_all_goes_out_once(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, **QUICK) as made, running(made.config):
        state, operator = made.devnet.network.state, made.devnet.operator_id
        _, first, _ = await send(made, 0)
        await confirmed(made, first["ids"][0])
        left = balance(made)
        state.move({operator: -left, TREASURY: left})
        sent = [await send(made, number) for number in range(1, 4)]
        ids = [first["ids"][0], *(answer["ids"][0] for _, answer, _ in sent)]

        async def told() -> bool:
            words = str((await made.get("/v1/outbox"))[1])
            return "INSUFFICIENT_PAYER_BALANCE" in words and "fund the operator's account" in words

        await eventually(told)
        state.move({operator: left, TREASURY: -left})
        for id_ in ids:
            await confirmed(made, id_)
        topic = (await opened_topics(made))["1"]
        assert [id_ for id_, _, _ in topic.said] == ids
