"""News between nodes over a real Redis, with and without TLS and Sentinel; killed, silent, back, and not a Redis."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bridge.bus.port import (
    Answered,
    Asked,
    Moved,
    News,
    Passing,
    Published,
    Refresh,
    Revoked,
    Unsubscribe,
    Woken,
)
from bridge.bus.redis import RedisBus
from bridge.config_sections import Bus
from bridge.counts import happened
from bridge.protocol.realtime.steps import Present
from tests.bridge.bus.nodes import node, port_of, section, two_nodes
from tests.bridge.gateway.made_certificate import made_certificate
from tests.rooms import until
from tests.servers import free_port, redis_server

OF_EACH_KIND: list[News] = [
    Published("campaign:c1", 7, 4, b'{"id":"\xc3\xa9"}'),
    Passing("campaign:c1", b"{}"),
    Woken(("c1", "c2")),
    Revoked("user", "77", 1_000, 2_000),
    Unsubscribe("77", "campaign:c1"),
    Refresh("77", None),
    Refresh("77", 2_000),
    Moved("campaign:c1", "a", "77", joined=True),
    Asked(1, "campaign:c1"),
    Answered(2, 1, "campaign:c1", Present({"a": "77"}, 1, 1)),
    Answered(2, 1, "campaign:c1", Present(None, 2_000, 1_900)),
]


async def test_news_of_each_kind_reach_the_other_nodes_in_order_and_nobody_else(redis_url: str) -> None:
    configured = section(redis_url)
    strangers = [node(section(redis_url, prefix="other"), 3), node(configured, 4, network="testnet")]
    async with two_nodes(configured) as (one, other), strangers[0].running(), strangers[1].running():
        one.bus.publish(OF_EACH_KIND)
        one.bus.publish([Woken(("c3",))])
        await until(lambda: len(other.heard) == len(OF_EACH_KIND) + 1)
        other.bus.publish([Woken(("c4",))])
        await until(lambda: one.heard)
    assert other.heard == [*OF_EACH_KIND, Woken(("c3",))]
    assert one.heard == [Woken(("c4",))]
    assert [stranger.heard for stranger in strangers] == [[], []]


async def test_redis_goes_and_comes_back(tmp_path: Path) -> None:
    before = happened["bus", "dropped"]
    with redis_server(tmp_path) as url:
        configured = section(url)
        one, other = node(configured, 1), node(configured, 2)
        running = one.running(), other.running()
        with capture_logs() as told:
            await running[0].__aenter__()
        await running[1].__aenter__()
    with capture_logs() as lines:
        await until(lambda: not one.bus.healthy and not other.bus.healthy)
        missed = other.missed
        one.bus.publish(OF_EACH_KIND)
        with redis_server(tmp_path, port=port_of(url)):
            await until(lambda: one.bus.healthy and other.bus.healthy)
            assert other.missed > missed  # or nobody looked for what was told before
            one.bus.publish([Woken(("c1",))])
            await until(lambda: other.heard)
            for each in reversed(running):
                await each.__aexit__(None, None, None)
    assert other.heard == [Woken(("c1",))]
    assert happened["bus", "dropped"] == before + len(OF_EACH_KIND)
    assert sorted(each["event"] for each in told) == ["bus works"]
    assert sorted(each["event"] for each in lines) == ["bus is away"] * 2 + ["bus works"] * 2
    assert sorted(each["dropped"] for each in lines if each["event"] == "bus works") == [0, len(OF_EACH_KIND)]


async def test_what_does_not_fit_is_dropped_and_the_others_hear_that_they_missed_something(redis_url: str) -> None:
    async with two_nodes(section(redis_url, max_pending=2, max_batch=1)) as (one, other):
        one.bus.publish([Woken(("c0",))])
        await until(lambda: other.heard)  # and what was said at the beginning, too
        missed = other.missed
        one.bus.publish(OF_EACH_KIND)
        await until(lambda: other.missed > missed)
        one.bus.publish(OF_EACH_KIND[2:3])
        await until(lambda: other.heard[1:] == OF_EACH_KIND[:3])


async def test_a_redis_that_says_nothing_counts_as_gone(redis_url: str) -> None:
    async with two_nodes(section(redis_url, timeout_s=0.5)) as (one, _):
        async with Redis.from_url(redis_url) as client:
            await client.client_pause(3_000)
        await until(lambda: not one.bus.healthy)
        await until(lambda: one.bus.healthy)


async def test_quiet_nodes_stay_healthy(redis_url: str) -> None:
    async with two_nodes(section(redis_url, timeout_s=1.5)) as (one, other):
        with capture_logs() as lines:
            await asyncio.sleep(2.0)  # seconds in which nobody has anything to tell
    assert (one.bus.healthy, other.bus.healthy, lines) == (True, True, [])


@pytest.mark.parametrize(
    "message",
    [b"", b"hello", b"\x92\x01\x91\x91\xa9tomorrow\x27s", b"\x92\x01\xc0"],
    ids=["empty", "text", "unknown kind", "nil"],
)
async def test_what_cannot_be_read_may_have_been_news(redis_url: str, message: bytes) -> None:
    before = happened["bus", "unreadable"]
    alone = node(section(redis_url), 2)
    async with alone.running(), Redis.from_url(redis_url) as client:
        missed = alone.missed
        await client.publish("hcs-bridge:devnet", message)
        await until(lambda: alone.missed > missed)
        assert alone.bus.healthy
    assert happened["bus", "unreadable"] == before + 1


async def test_tls_with_a_certificate_that_is_known(tmp_path: Path) -> None:
    certificate, key = made_certificate(tmp_path, "redis")
    tls = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-auth-clients", "no"]
    port = free_port()
    with redis_server(tmp_path, "--port", "0", "--tls-port", str(port), *tls, port=port):
        url = f"rediss://127.0.0.1:{port}"
        async with two_nodes(section(url, ca_file=certificate)) as (one, other):
            one.bus.publish(OF_EACH_KIND)
            await until(lambda: other.heard == OF_EACH_KIND)
        with capture_logs() as lines:
            async with node(section(url), 3).running(healthy=False):
                await until(lambda: lines)
        assert "certificate verify failed" in lines[0]["reason"]


async def test_a_password_opens_and_is_never_told(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--requirepass", "p@ss:w/rd") as url:
        port = port_of(url)
        async with node(section(f"redis://:p%40ss%3Aw%2Frd@127.0.0.1:{port}/1"), 1).running():
            pass
        for wrong in (f"redis://user:swordfish@127.0.0.1:{port}", url):
            with capture_logs() as lines:
                async with node(section(wrong), 1).running(healthy=False):
                    await until(lambda: lines)
            assert lines[0]["event"] == "bus is away"
            assert "swordfish" not in repr(lines)
    assert "swordfish" not in repr(section("redis://:swordfish@127.0.0.1:1"))


async def test_what_is_no_redis_is_tried_again_with_patience() -> None:
    tried: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(asyncio.get_running_loop().time())
        await reader.readline()
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with capture_logs() as lines:
            async with node(section(url, reconnect_max_s=0.4), 1).running(healthy=False):
                await until(lambda: len(tried) == 4)
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert pauses[0] > 0.15
    assert pauses[1] > 0.35
    assert [each["event"] for each in lines] == ["bus is away"]


@contextmanager
def sentinel(folder: Path, port: int) -> Iterator[str]:
    """One that watches the server at `port`: the URL of the bus, in which a Sentinel that is gone comes first."""
    program, own = shutil.which("redis-server"), free_port()
    assert program is not None
    lines = [f"port {own}", "bind 127.0.0.1", "requirepass guard", f"dir {folder}"]
    lines += [f"sentinel monitor bus 127.0.0.1 {port} 1", "sentinel auth-pass bus secret"]
    lines += ["sentinel down-after-milliseconds bus 1000", "sentinel failover-timeout bus 3000"]
    (folder / "sentinel.conf").write_text("\n".join(lines))
    process = subprocess.Popen([program, folder / "sentinel.conf", "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        yield f"redis+sentinel://:secret@127.0.0.1:{free_port()},127.0.0.1:{own}/bus/0?sentinel_password=guard"
    finally:
        process.terminate()
        process.wait(60)


KNOWN = ("--requirepass", "secret", "--masterauth", "secret")


async def test_a_sentinel_names_the_server(tmp_path: Path) -> None:
    with redis_server(tmp_path, *KNOWN) as url, sentinel(tmp_path, port_of(url)) as named:
        async with two_nodes(section(named)) as (one, other):
            one.bus.publish(OF_EACH_KIND)
            await until(lambda: other.heard == OF_EACH_KIND)
        with capture_logs() as lines:
            async with node(section(named.replace("/bus", "/coach")), 3).running(healthy=False):
                await until(lambda: lines)
    assert lines[0]["reason"] == "no Sentinel names a master of that service"


@pytest.mark.long
async def test_after_a_failover_the_sentinel_names_the_other(tmp_path: Path) -> None:
    with ExitStack() as stack, redis_server(tmp_path, *KNOWN) as standby_url:
        url = stack.enter_context(redis_server(tmp_path, *KNOWN))
        async with Redis.from_url(standby_url, password="secret") as standby:
            await standby.replicaof("127.0.0.1", str(port_of(url)))
            await until(lambda: is_replica_of_one_that_is_up(standby))
        with sentinel(tmp_path, port_of(url)) as named:
            async with two_nodes(section(named)) as (one, other), Redis.from_url(of_sentinel(named)) as watch:
                await until(lambda: watch.sentinel_slaves("bus"))
                stack.close()
                await until(lambda: not one.bus.healthy and not other.bus.healthy)
                await until(lambda: one.bus.healthy and other.bus.healthy)
                one.bus.publish(OF_EACH_KIND)
                await until(lambda: other.heard == OF_EACH_KIND)


async def is_replica_of_one_that_is_up(standby: Redis) -> bool:
    return str((await standby.info("replication"))["master_link_status"]) == "up"


def of_sentinel(named: str) -> str:
    return f"redis://:guard@{named.partition(',')[2].partition('/')[0]}"


async def test_it_ends_at_whatever_moment_of_its_beginning_it_is_told_to(redis_url: str) -> None:
    """The library loses a cancellation that comes while it sends; a daemon that is stopped just then would hang."""
    for number in range(40):
        bus = RedisBus(Bus(url=redis_url, timeout_s=5.0), network="devnet", node=1)
        running = asyncio.create_task(bus.run(lambda _news: None))
        await asyncio.sleep(number * 0.0001)
        running.cancel()
        assert (await asyncio.wait([running], timeout=5))[0], f"it went on, cancelled after {number / 10} ms"
