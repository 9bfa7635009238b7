"""Reading in pages: all of it, in order, however long; waiting for what is on record, and not for ever."""

from __future__ import annotations

import pytest

from bridge import config_sections as sections
from bridge.relay.audit.judge import Rules
from bridge.relay.audit.reading import Audit
from bridge.relay.audit.source import MirrorSource, Span
from tests.footing import NETWORK
from tests.topics.client import QUICK_MIRROR, Client, client_of
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.devnet.settings import DevnetSettings
from topics.mirror.rest import Mirror
from topics.values import TopicId

COUNT = 250


async def filled(client: Client) -> TopicId:
    topic_id = await client.topic()
    for number in range(COUNT):
        await client.write(topic_id, b"%d" % number)
    return topic_id


def audit(mirror: Mirror, topic_id: TopicId, span: Span) -> Audit:
    rules = Rules(NETWORK, topic_id, None, sections.Relay())
    return Audit(MirrorSource(mirror, topic_id, 0.1, 0.02), rules, span, None, pinned=False)


async def test_pages_of_a_topic_and_of_parts_of_it() -> None:
    async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)) as devnet, client_of(devnet) as client:
        topic_id = await filled(client)
        mirror = Mirror(devnet.mirror_url, QUICK_MIRROR)
        for span, count in (
            (Span(), COUNT),
            (Span(1, 100), 100),
            (Span(1, 101), 101),
            (Span(101), COUNT - 100),
            (Span(50, 249), 200),
            (Span(250, 250), 1),
        ):
            heard: list[tuple[int, int | None]] = []
            verdict = await audit(mirror, topic_id, span).run(lambda done, of: heard.append((done, of)))  # noqa: B023
            assert (verdict.fault, verdict.counts.messages, heard[-1][0]) == (None, count, count)
            assert verdict.result == "unverified"  # no manifest
        verdict = await audit(mirror, topic_id, Span(1, COUNT + 1)).run()
        assert verdict.fault is not None
        assert (verdict.fault.sequence, verdict.fault.got) == (COUNT + 1, "nothing")
        devnet.faults.inject(Fault.MESSAGE_DROPPED, topic=topic_id, sequence=200)
        verdict = await audit(mirror, topic_id, Span()).run()
        assert verdict.fault is not None
        assert verdict.fault.sequence == 200
        await mirror.close()


async def test_a_beginning_that_is_not_there_is_refused() -> None:
    async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)) as devnet, client_of(devnet) as client:
        topic_id = await client.topic()
        mirror = Mirror(devnet.mirror_url, QUICK_MIRROR)
        with pytest.raises(Exception, match=r"message 6 of topic 0\.0\.\d+ .* HTTP 404"):
            await audit(mirror, topic_id, Span(7)).run()
        await mirror.close()
