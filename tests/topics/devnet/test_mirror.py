"""Several mirrors of one network, each with its own ports and its own faults."""

from __future__ import annotations

import socket

import pytest

from tests.topics.devnet.running import control, get, running
from tests.topics.devnet.streams import Writer, connected, read
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault, Field
from topics.devnet.ports import PortTaken
from topics.devnet.settings import DevnetSettings


async def test_both_show_the_same_until_one_lies() -> None:
    async with running(mirrors=2) as devnet:
        topic_id = await Writer(devnet).topic(2)
        honest, liar = devnet.mirrors
        path = f"/api/v1/topics/{topic_id}/messages"
        assert len({honest.rest.url, liar.rest.url, honest.grpc.address, liar.grpc.address}) == 4
        assert (devnet.mirror_url, devnet.mirror_grpc_address) == (honest.rest.url, honest.grpc.address)
        truth = await get(honest.rest.url + path)
        assert await get(liar.rest.url + path) == truth
        devnet.faults.inject(Fault.MESSAGE_ALTERED, mirror=1, field=Field.RUNNING_HASH)
        assert await get(honest.rest.url + path) == truth
        assert await get(liar.rest.url + path) != truth
        hashes = []
        for mirror in devnet.mirrors:
            async with connected(mirror.grpc.address) as connection:
                [first] = await read(connection.subscribe(topic_id), 1)
                hashes.append(first.runningHash)
        assert hashes[0] != hashes[1]


async def test_they_tell_another_process_where_they_are_and_what_they_are_asked() -> None:
    async with running(mirrors=2) as devnet:
        topic_id = await Writer(devnet).topic(1)
        devnet.faults.inject(Fault.MIRROR_TOO_MANY_REQUESTS, mirror=1)
        await get(f"{devnet.mirrors[1].rest.url}/api/v1/topics/{topic_id}")
        async with connected(devnet.mirror_grpc_address) as connection:
            await read(connection.subscribe(topic_id), 1)
            _, told = await control(devnet, "GET", "mirrors")
        first, second = told["mirrors"]
        assert (first["rest"], first["grpc"]) == (devnet.mirror_url, devnet.mirror_grpc_address)
        asked = [(each["requests"], each["limited"], each["streams"]) for each in (first, second)]
        assert asked == [(0, 0, 1), (1, 1, 0)]
        await Writer(devnet).until(lambda: devnet.mirrors[0].grpc.streams == 0)


async def test_the_second_one_listens_behind_the_first() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with socket.create_server(("127.0.0.1", port + 1)), pytest.raises(PortTaken, match=f"127.0.0.1:{port + 1}"):
        async with Devnet(DevnetSettings(mirror_port=port, mirrors=2)):
            pass
    async with Devnet(DevnetSettings(mirror_port=port, mirrors=2)) as devnet:
        assert [each.rest.url for each in devnet.mirrors] == [f"http://127.0.0.1:{port + k}" for k in (0, 1)]
