"""A port is free, ours, or somebody else's."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bridge.app import running
from bridge.doctor.findings import Status
from bridge.doctor.ports import ports
from tests.bridge.doctor.ward import changed, ground_of
from tests.integration.world import World


@pytest.fixture
def taken() -> Iterator[int]:
    """A port where somebody listens who says nothing."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


async def test_free_ones_stay_free(made: World) -> None:
    for _ in range(2):
        async with ground_of(made.config) as ground:
            http, gateway = await ports(ground)
        assert (http.status, gateway.status) == (Status.OK, Status.OK)
        assert "is free" in http.found


async def test_our_own_daemon_may_have_them(made: World) -> None:
    async with running(made.config), ground_of(made.config) as ground:
        found = await ports(ground)
    assert [each.status for each in found] == [Status.OK, Status.OK]
    assert all("our own daemon" in each.found for each in found)


@pytest.mark.parametrize("section", ["http", "gateway"])
async def test_somebody_else_has_it(made: World, taken: int, section: str) -> None:
    config = changed(changed(made.config, section, port=taken), "doctor", timeout_s=0.5)
    async with ground_of(config) as ground:
        found = await ports(ground)
    assert sorted(each.status for each in found) == [Status.FAILED, Status.OK]
    [refused] = [each for each in found if each.status is Status.FAILED]
    assert f"127.0.0.1:{taken}" in refused.found
    assert f"{section}.port" in refused.hint


async def test_an_address_of_another_machine(made: World) -> None:
    async with ground_of(changed(made.config, "http", host="192.0.2.1")) as ground:
        http, _ = await ports(ground)
    assert http.status is Status.FAILED
    assert "http.host" in http.hint


async def test_two_doors_at_one_port_and_any_port(made: World) -> None:
    config = changed(made.config, "http", port=made.config.gateway.port)
    async with ground_of(config) as ground:
        assert {each.status for each in await ports(ground)} == {Status.FAILED}
    config = changed(changed(made.config, "http", port=0), "gateway", port=0)
    async with ground_of(config) as ground:
        assert {each.status for each in await ports(ground)} == {Status.OK}
