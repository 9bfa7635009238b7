"""The mirror over real HTTP: what is there, what isn't, and what it refuses."""

from __future__ import annotations

import aiohttp
import pytest

from tests.topics.devnet.ground import FIRST, signed, topic_body
from tests.topics.devnet.running import get, running, submit
from tests.topics.devnet.test_node import SUBMIT, Client
from topics.devnet import protos
from topics.devnet.devnet import Devnet
from topics.devnet.envelope import name_of
from topics.devnet.faults import Fault
from topics.values import TopicId, TransactionId


async def create_topic(client: Client, messages: int) -> tuple[str, list[TransactionId]]:
    """A topic with so many messages; its id and those of all transactions, oldest first."""
    created = client.ground.body(consensusCreateTopic=topic_body(), payer=client.payer)
    await submit(client.devnet, FIRST, "ConsensusService/createTopic", signed(created, [client.ground.key]))
    topic_id = TopicId(0, 0, client.payer.num + 1)
    bodies = [client.ground.submit(topic_id, b"%d" % number, payer=client.payer) for number in range(messages)]
    for body in bodies:
        answer = await submit(client.devnet, FIRST, SUBMIT, signed(body, [client.ground.key]))
        assert name_of(answer.nodeTransactionPrecheckCode) == "OK"
    ids = [protos.read_transaction_id(body.transactionID) for body in (created, *bodies)]
    return str(topic_id), [each for each in ids if each is not None]


async def message_of(devnet: Devnet, path: str) -> tuple[int, str]:
    status, body, _ = await get(f"{devnet.mirror_url}/api/v1{path}")
    return status, body["_status"]["messages"][0]["message"]


async def test_any_page_may_read_it() -> None:
    async with running() as devnet, aiohttp.ClientSession() as session:
        for path in ("/topics/0.0.9999/messages", "/topics/nonsense/messages"):
            async with session.get(f"{devnet.mirror_url}/api/v1{path}") as answer:
                assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_what_is_there() -> None:
    async with running() as devnet:
        client = Client(devnet)
        topic, ids = await create_topic(client, 3)
        api = f"{devnet.mirror_url}/api/v1"

        status, page, cached = await get(f"{api}/topics/{topic}/messages?limit=2")
        assert (status, cached) == (200, "public, max-age=1")
        assert [row["sequence_number"] for row in page["messages"]] == [1, 2]
        _, rest, _ = await get(devnet.mirror_url + page["links"]["next"])
        assert [row["sequence_number"] for row in rest["messages"]] == [3]
        assert rest["links"]["next"] is None

        _, single, _ = await get(f"{api}/topics/{topic}/messages/3")
        assert single == rest["messages"][0]
        _, shown, _ = await get(f"{api}/topics/{topic}")
        assert (shown["topic_id"], shown["memo"]) == (topic, "hcs-bridge:1")

        _, swept, _ = await get(f"{api}/transactions?account.id={client.payer}&order=asc&limit=100")
        assert [row["transaction_id"] for row in swept["transactions"]] == [str(each) for each in ids]
        _, one, cached = await get(f"{api}/transactions/{ids[-1]}")
        assert one["transactions"] == [swept["transactions"][-1]]
        assert cached == "public, max-age=600"

        _, account, _ = await get(f"{api}/accounts/{client.payer}?transactions=false")
        spent = sum(row["charged_tx_fee"] for row in swept["transactions"])
        assert account["balance"]["balance"] == 10**10 - spent
        assert account["transactions"] == []
        _, account, _ = await get(f"{api}/accounts/{client.payer}?limit=1")
        assert account["transactions"] == [swept["transactions"][-1]]
        _, account, _ = await get(devnet.mirror_url + account["links"]["next"])
        assert account["transactions"] == [swept["transactions"][-2]]


@pytest.mark.parametrize("path", ["/network/nodes", "/network/fees", "/network/exchangerate", "/blocks?limit=1"])
async def test_pages_about_the_network(path: str) -> None:
    async with running() as devnet:
        status, _, _ = await get(f"{devnet.mirror_url}/api/v1{path}")
        assert status == 200


async def test_what_is_not_there_or_refused() -> None:
    async with running() as devnet:
        client = Client(devnet)
        topic, [unknown, *_] = await create_topic(client, 1)
        missing = TransactionId(unknown.payer, unknown.valid_start_ns - 1)
        for path in (
            "/topics/0.0.99999",
            f"/topics/{topic}/messages/2",
            f"/transactions/{missing}",
            "/accounts/0.0.99999",
            "/nothing",
        ):
            assert await message_of(devnet, path) == (404, "Not found")
        for path, name in (
            (f"/topics/{topic}/messages?sequencenumber=gt:0", "Invalid parameter: sequencenumber"),
            (f"/topics/{topic}/messages/0", "Invalid parameter: sequencenumber"),
            (f"/topics/{topic}/messages?foo=1", "Unknown query parameter: foo"),
            (f"/topics/{topic}?foo=1", "Unknown query parameter: foo"),
            ("/topics/x/messages", "Invalid parameter: topicId"),
            ("/accounts/x", "Invalid parameter: idOrAliasOrEvmAddress"),
            ("/transactions?limit=0", "Invalid parameter: limit"),
        ):
            assert await message_of(devnet, path) == (400, name)
        status, text = await message_of(devnet, "/transactions/0.0.7@1700000000.000000001")
        assert (status, text[:22]) == (400, "Invalid Transaction id")


async def test_the_mirror_lags_behind_consensus() -> None:
    now = [1_700_000_000 * 10**9]
    async with running(mirror_delay_s=2, clock=lambda: now[0]) as devnet:
        client = Client(devnet)
        topic, _ = await create_topic(client, 1)
        url = f"{devnet.mirror_url}/api/v1/topics/{topic}/messages"
        assert (await get(url))[1]["messages"] == []
        now[0] += 3 * 10**9
        assert len((await get(url))[1]["messages"]) == 1


async def test_a_mirror_that_cannot_be_reached() -> None:
    async with running() as devnet:
        devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(f"{devnet.mirror_url}/api/v1/blocks")
        devnet.faults.clear()
        assert (await get(f"{devnet.mirror_url}/api/v1/blocks"))[0] == 200
