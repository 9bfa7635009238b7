"""The daemon as an operator meets it: refusals at the start, kills, drains, and a network that isn't there."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.gateway.wire_client import WireClient
from tests.integration.world import World, until, world

CLOSED = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1234"}}


def closed(message: str) -> dict[str, Any]:
    return {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1234", "message": message}}


async def status_of(made: World, event_id: str) -> str:
    _, body = await made.get(f"/v1/events/{event_id}")
    return str(body["status"])


async def confirmed(made: World, event_id: str) -> dict[str, Any]:
    deadline = asyncio.get_running_loop().time() + 60
    while await status_of(made, event_id) != "confirmed":
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)
    body: dict[str, Any] = (await made.get(f"/v1/events/{event_id}"))[1]
    return body


async def test_three_mistakes_in_the_configuration_are_all_named_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        (tmp_path / "bad.toml").write_text(
            '[publish]\npad_to = 0\n[gateway]\norigins = ["not an origin"]\n[mirror]\npoll_intervall_s = 1\n'
        )
        code, _, err = await made.command("serve", "--config", "bad.toml")
        assert code == 2
        for words in (("bad.toml", "publish.pad_to", "0"), ("gateway.origins", "not an origin", "must be an origin")):
            assert all(word in err for word in words), err
        assert "mirror.poll_intervall_s" in err
        assert "poll_interval_s" in err
        assert "Traceback" not in err


async def test_a_taken_port_is_refused_by_name(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", made.config.http.port))
            holder.listen()
            code, _, err = await made.command("serve")
        assert code == 2
        assert str(made.config.http.port) in err
        assert "Traceback" not in err


PRIVATE_KEYS = ("master.key", "operator.key", "signing.key", "token.key", "api.key")


@pytest.mark.parametrize("fault", ["missing", "open to others", "nonsense"])
async def test_key_files_that_cannot_be_used_are_refused(tmp_path: Path, fault: str) -> None:
    async with world(tmp_path) as made:
        for name in PRIVATE_KEYS:
            match fault:
                case "missing":
                    (tmp_path / name).unlink()
                case "open to others":
                    (tmp_path / name).chmod(0o644)
                case "nonsense":
                    (tmp_path / name).write_text("Hunter2")
        code, _, err = await made.command("serve")
        assert code == 2, err
        told = PRIVATE_KEYS if fault != "nonsense" else ("token.key",)
        assert all(name in err for name in told), err
        assert "Hunter2" not in err
        assert "Traceback" not in err


async def test_demo_keys_are_for_the_devnet_only(tmp_path: Path) -> None:
    async with world(tmp_path, network__name="testnet") as made:
        code, _, err = await made.command("serve")
        assert code == 2
        assert "demo key" in err


async def test_a_second_daemon_on_the_same_database_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await made.start()
        code, _, err = await made.command("serve")
        assert code == 2
        assert "another process holds the database" in err


async def test_what_was_accepted_survives_kill_9_and_is_confirmed_once(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await made.start()
        ids = []
        for round_ in range(3):
            for number in range(4):
                status, body = await made.post("/v1/events", closed(f"{round_}.{number}"))
                assert status == 202
                ids += body["ids"]
            await made.kill()
            await made.start()
        places = [await confirmed(made, event_id) for event_id in ids]
        order = [(place["sequence"], place["index"]) for place in places]
        assert order == sorted(set(order))
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("1", campaigns=["1234"])})
            reply = await client.ask(subscribe={"channel": "campaign:1234", "recover": True, "offset": 0, "epoch": ""})
        found = [publication["data"]["meta"]["id"] for publication in reply["subscribe"]["publications"]]
        assert found == ids


async def test_nodes_and_mirror_may_be_away_at_the_start(tmp_path: Path) -> None:
    nowhere: dict[str, Any] = {
        "network__nodes": [{"account": "0.0.3", "address": "127.0.0.1:1"}],
        "mirror__urls": ["http://127.0.0.1:1"],
    }
    async with world(tmp_path, ledger__max_attempts=2, mirror__max_attempts=2, **nowhere) as away:
        await away.start()
        status, body = await away.post("/v1/events", CLOSED)
        assert status == 202
        await until(lambda: "flight delayed" in away.log)
        assert await status_of(away, body["ids"][0]) == "accepted"
        await until(lambda: "relay waits" in away.log)
        assert await away.stop() == 0
    assert "Traceback" not in away.log


async def test_sigterm_sends_clients_away_to_come_back_and_exits_0(tmp_path: Path) -> None:
    async with world(tmp_path, gateway__drain_timeout_s=0.2) as made:
        await made.start()
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("1")})
            stopping = asyncio.create_task(made.stop())
            assert await client.closed() == 3001
            assert await stopping == 0
        assert "Traceback" not in made.log


async def test_a_crash_in_a_loop_ends_the_daemon_with_an_error(tmp_path: Path) -> None:
    """Somebody takes a table away under the running daemon: nothing can go on from there."""
    async with world(tmp_path) as made:
        await made.start()
        assert made.daemon is not None
        with closing(sqlite3.connect(tmp_path / "hcs-bridge.db")) as other, other:
            other.execute("DROP TABLE positions")
        await made.post("/v1/events", CLOSED)
        code = await asyncio.wait_for(made.daemon.wait(), 30)
        made.daemon = None
        assert code == 1
        assert "Traceback" in made.log


async def test_garbage_on_every_input_leaves_the_daemon_alive(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await made.start()
        bodies: list[tuple[bytes, int]] = [
            (b"", 400),
            (b"{", 400),
            (b"\xff\xfe", 400),
            (b"[" * 100_000, 400),
            (b'{"event":"CAMPAIGN_CLOSED","payload":{"campaignId":NaN}}', 400),
            (b'{"event":"NOPE","payload":{}}', 422),
            (b'{"event":"CAMPAIGN_CLOSED","payload":{"campaignId":"1234","hash":"x"}}', 422),
            (b'"' + b"x" * 2_000_000 + b'"', 413),
        ]
        for body, wanted in bodies:
            status, answer = await made.post("/v1/events", body)
            assert status == wanted, (body[:40], answer)
            assert answer["error"]["message"]
        for frame in ("", "{", "[1]", '{"id":1}', "\x00" * 100, '{"id":1,"connect":{"token":"a.b.c"}}', "{}" * 1000):
            async with WireClient(made.gateway) as client:
                await client.socket.send(frame)
                assert await client.closed() >= 1000
        status, body = await made.post("/v1/events", CLOSED)
        assert status == 202
        await confirmed(made, body["ids"][0])
        assert made.daemon is not None
        assert made.daemon.returncode is None
        assert "Traceback" not in made.log


async def test_publish_resumes_where_it_was_killed(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        lines = [json.dumps(closed(str(number))) for number in range(1200)]
        lines[700] = json.dumps({"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1234", "session": "x"}})
        (tmp_path / "changes.jsonl").write_text("\n".join(lines))
        code, _, err = await made.command("publish", "changes.jsonl", "--patience-s", "0.1")
        assert code == 4, err
        await made.start()
        first = asyncio.create_task(made.command("publish", "changes.jsonl", "--json"))
        await until(lambda: len(made.commands) == 2)
        await until(lambda: (tmp_path / "hcs-bridge.db-wal").stat().st_size > 200_000)
        made.commands[1].send_signal(signal.SIGKILL)
        await first
        code, out, err = await made.command("publish", "changes.jsonl", "--json")
        assert code == 3
        told = json.loads(out)
        assert told["accepted"] == 1199
        assert [line["line"] for line in told["refused"]] == [701]
        assert "session" in told["refused"][0]["reasons"][0]
        status, body = await made.post("/v1/events", closed("last"))
        assert status == 202
        await confirmed(made, body["ids"][0])
        async with WireClient(made.gateway, max_size=None) as client:
            await client.ask(connect={"token": made.token("1", campaigns=["1234"])})
            found: list[str] = []
            since: dict[str, Any] = {"offset": 0, "epoch": ""}
            while len(found) < 1200:
                page = (await client.ask(history={"channel": "campaign:1234", "since": since, "limit": 1000}))[
                    "history"
                ]
                found += [publication["data"]["data"]["payload"]["message"] for publication in page["publications"]]
                since = {"offset": page["publications"][-1]["offset"], "epoch": page["epoch"]}
        assert found == [str(number) for number in range(1200) if number != 700] + ["last"]
