"""A network and its operator's client, for the tests of this package."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.topics.client import Client, client_of
from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings


@pytest.fixture
async def devnet() -> AsyncIterator[Devnet]:
    """Without delays."""
    async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)) as network:
        yield network


@pytest.fixture
async def client(devnet: Devnet) -> AsyncIterator[Client]:
    """The operator's."""
    async with client_of(devnet) as client:
        yield client
