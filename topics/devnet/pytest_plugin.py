"""The pytest fixture `hcs_devnet`: a Hedera network of one's own for one test, without delays, on free ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

if TYPE_CHECKING:
    from topics.devnet.devnet import Devnet


@pytest_asyncio.fixture
async def hcs_devnet() -> AsyncIterator[Devnet]:
    """A running Devnet."""
    # Every pytest run imports this module; only those that use the fixture pay for gRPC.
    from topics.devnet.devnet import Devnet  # noqa: PLC0415
    from topics.devnet.settings import DevnetSettings  # noqa: PLC0415

    async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)) as devnet:
        yield devnet
