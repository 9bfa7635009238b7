"""What mirrors show: each message as it came, and a clear word for one that isn't there."""

from __future__ import annotations

import aiohttp
import pytest

from bridge.relay.audit.source import MirrorSource, Span
from tests.topics.client import QUICK_MIRROR, client_of
from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings
from topics.errors import Rejected
from topics.mirror.rest import Mirror

COUNT = 120


async def test_rows_are_what_the_mirror_said_word_for_word() -> None:
    async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)) as devnet, client_of(devnet) as client:
        topic_id = await client.topic()
        for number in range(COUNT):
            await client.write(topic_id, b"%d" % number)
        mirror = Mirror(devnet.mirror_url, QUICK_MIRROR)
        source = MirrorSource(mirror, topic_id, patience_s=0.1, poll_interval_s=0.02)
        shown = [each async for page in source.shown(Span(), 0) for each in page]
        rows: list[object] = []
        async with aiohttp.ClientSession() as session:
            for first in (1, 101):
                path = f"/api/v1/topics/{topic_id}/messages?limit=100&order=asc&sequencenumber=gte:{first}"
                async with session.get(devnet.mirror_url + path) as answer:
                    rows += (await answer.json())["messages"]
        assert [each.row for each in shown] == rows
        assert [message async for page in source.pages(Span(), 0) for message in page] == [
            each.message for each in shown
        ]
        assert await source.message(7) == shown[6].message
        with pytest.raises(Rejected, match=rf"message {COUNT + 1} of topic 0\.0\.\d+ .* HTTP 404"):
            await source.message(COUNT + 1)
        await mirror.close()
