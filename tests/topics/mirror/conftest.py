"""A network with two mirrors, and streams of both."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.topics.client import Client
from tests.topics.mirror.following import streams_of
from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings
from topics.mirror.streams import Streams


@pytest.fixture
async def devnet() -> AsyncIterator[Devnet]:
    """Without delays, with two mirrors."""
    async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, mirrors=2)) as network:
        yield network


@pytest.fixture
async def streams(devnet: Devnet, client: Client) -> AsyncIterator[Streams]:
    """The operator's, of both mirrors."""
    streams = streams_of(devnet, client)
    yield streams
    await streams.close()
