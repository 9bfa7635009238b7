"""Against the devnet's mirror, which keeps the real one's oddities: pages, unknown things, entities, blocks."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from tests.topics.client import QUICK_MIRROR, Client, client_of
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.devnet.settings import DevnetSettings
from topics.errors import Rejected, Unavailable
from topics.fees import ExchangeRate
from topics.mirror.rest import Mirror
from topics.running_hash import Verifier
from topics.values import NANOS, START, AccountId, TopicId


async def test_messages_page_by_page_verify(client: Client) -> None:
    topic_id = await client.topic()
    await asyncio.gather(*(client.write(topic_id, b"%d" % number) for number in range(130)))
    verifier, pages = Verifier(topic_id, START), []
    while page := await client.mirror.messages(topic_id, after=verifier.position.sequence, limit=1000):
        pages.append(len(page))
        for message in page:
            verifier.accept(message)
    assert pages == [100, 30]
    assert verifier.position.running_hash == (await client.ledger.topic_info(topic_id)).running_hash
    assert [message.sequence for message in await client.mirror.messages(topic_id, after=5, limit=2)] == [6, 7]
    assert len(await client.mirror.messages(topic_id, after=0, limit=-3)) == 1


async def test_one_message(client: Client) -> None:
    topic_id = await client.topic()
    await client.write(topic_id, b"hello")
    message = await client.mirror.message(topic_id, 1)
    assert message is not None
    assert [message] == await client.mirror.messages(topic_id, after=0)
    assert await client.mirror.message(topic_id, 2) is None


async def test_what_is_unknown_is_empty_or_none(client: Client) -> None:
    nothing = TopicId(0, 0, 999_999)
    assert await client.mirror.messages(nothing, after=0) == []
    assert await client.mirror.topic(nothing) is None
    assert await client.mirror.account(AccountId(0, 0, 999_999)) is None
    assert await client.mirror.transaction(client.new_id()) == []


async def test_the_high_water_mark(client: Client) -> None:
    topic_id = await client.topic()
    assert await client.mirror.newest_message(topic_id) is None
    for content in (b"a", b"b"):
        await client.write(topic_id, content)
    newest = await client.mirror.newest_message(topic_id)
    assert newest is not None
    assert (newest.sequence, newest.message) == (2, b"b")


async def test_submissions_by_payer(client: Client) -> None:
    one, two = await client.topic(), await client.topic()
    for topic_id in (one, two, one):
        await client.write(topic_id, b"x")
    page = await client.mirror.transactions(client.ledger.payer, after_ns=time.time_ns() - 60 * NANOS)
    assert [row.topic_id for row in page.rows] == [one, two, one]
    assert all(row.result == "SUCCESS" and row.charged_tinybar > 0 for row in page.rows)
    later = await client.mirror.transactions(client.ledger.payer, after_ns=page.rows[0].consensus_ns, limit=1)
    assert later.rows == page.rows[1:2]
    assert (await client.mirror.next_transactions(later)).rows == page.rows[2:]
    with pytest.raises(ValueError, match="last page"):
        await client.mirror.next_transactions(type(page)([], None))


async def test_a_transaction_and_its_outcome(client: Client) -> None:
    topic_id = await client.topic()
    submission = client.submission(topic_id, b"x")
    await client.ledger.submit(submission)
    await client.ledger.receipt(submission.id)
    [outcome] = await client.mirror.transaction(submission.id)
    assert (outcome.id, outcome.result, outcome.topic_id) == (submission.id, "SUCCESS", topic_id)


async def test_how_far_the_mirror_has_imported() -> None:
    ahead = [0]
    settings = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, clock=lambda: time.time_ns() + ahead[0])
    async with Devnet(settings) as devnet, client_of(devnet) as client:
        assert await client.mirror.latest_consensus_ns() == 0
        message = await client.write(await client.topic(), b"x")
        ahead[0] = 10 * NANOS
        newest = await client.mirror.latest_consensus_ns()
        assert message.status == "SUCCESS"
        assert time.time_ns() < newest <= time.time_ns() + ahead[0]


async def test_entities(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    topic = await client.mirror.topic(topic_id)
    account = await client.mirror.account(devnet.operator_id)
    assert topic is not None
    assert account is not None
    assert (topic.memo, topic.deleted, topic.admin_key) == ("hcs-bridge:1", False, None)
    assert topic.submit_key == account.key
    assert account.balance_tinybar == await client.ledger.balance()
    assert [(node.account, node.addresses) for node in await client.mirror.network_nodes()] == [
        (account, (address,)) for account, address in devnet.nodes.items()
    ]
    assert isinstance(await client.mirror.exchange_rate(), ExchangeRate)


async def test_a_request_that_the_mirror_calls_wrong(client: Client) -> None:
    with pytest.raises(Rejected, match="HTTP 400: Invalid parameter: timestamp"):
        await client.mirror.transactions(client.ledger.payer, after_ns=-1)


async def test_an_unreachable_mirror_is_unavailable_after_some_attempts(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
    before = client.mirror.requests
    with pytest.raises(Unavailable, match=f"mirror {devnet.mirror_url} is unavailable"):
        await client.mirror.messages(topic_id, after=0)
    assert client.mirror.requests - before == QUICK_MIRROR.max_attempts
    devnet.faults.inject(Fault.MIRROR_UNREACHABLE, times=1)
    assert await client.mirror.messages(topic_id, after=0) == []


async def test_an_address_with_the_api_path_and_a_session_of_the_callers(devnet: Devnet) -> None:
    async with aiohttp.ClientSession() as session:
        mirror = Mirror(f"{devnet.mirror_url}/api/v1/", QUICK_MIRROR, session=session)
        assert await mirror.latest_consensus_ns() >= 0
        await mirror.close()
        assert not session.closed
