"""A topic is made once: whatever is lost, refused or forgotten on the way."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from tests.topics.client import Client
from topics.creator import Creator, Intent, TopicTerms, at_once
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.devnet.settings import HBAR, DevnetSettings
from topics.errors import Rejected, Unavailable
from topics.ledger.port import TopicCreate
from topics.settlement import Sources
from topics.values import NANOS, TopicId, TransactionId


@dataclass(slots=True)
class Clock:
    """The devnet's and the creator's time."""

    ahead_ns: int = 0

    def __call__(self) -> int:
        return time.time_ns() + self.ahead_ns


@dataclass(slots=True)
class Intents:
    """The durable side, in memory: it outlives the Creators of a test."""

    client: Client
    pending: dict[str, TransactionId] = field(default_factory=dict)
    ended: list[tuple[TransactionId, str]] = field(default_factory=list)
    topics: dict[str, TopicId] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)

    async def intent(self, ref: str) -> Intent:
        if ref not in self.pending:
            fresh = self.client.new_id()
            self.pending[ref] = TransactionId(fresh.payer, fresh.valid_start_ns + self.clock.ahead_ns)
        return Intent(self.pending[ref], 120)

    async def spent(self, transaction_id: TransactionId, status: str) -> None:
        self.ended.append((transaction_id, status))
        self.pending = {ref: id_ for ref, id_ in self.pending.items() if id_ != transaction_id}

    async def created(self, ref: str, transaction_id: TransactionId, topic_id: TopicId) -> None:
        assert self.pending[ref] == transaction_id
        self.topics[ref] = topic_id


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def devnet(clock: Clock) -> AsyncIterator[Devnet]:
    async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, clock=clock)) as network:
        yield network


@pytest.fixture
def intents(client: Client, clock: Clock) -> Intents:
    return Intents(client, clock=clock)


def creator(
    intents: Intents,
    *,
    max_fee_tinybar: int = 25 * HBAR,
    auto_renew_s: int = 7_776_000,
    pace: Callable[[], Awaitable[None]] = at_once,
) -> Creator:
    terms = TopicTerms("hcs-bridge:1", False, auto_renew_s, max_fee_tinybar)
    client = intents.client
    sources = Sources(client.ledger, client.mirror, intents.clock)
    return Creator(terms, intents, sources=sources, witness=client.ledger, pace=pace)


def made(devnet: Devnet) -> list[TopicId]:
    return list(devnet.network.state.topics)


async def test_a_topic_is_made_by_its_terms(devnet: Devnet, intents: Intents) -> None:
    topic_id = await creator(intents).create("c1")
    assert intents.topics == {"c1": topic_id}
    assert made(devnet) == [topic_id]
    entity = devnet.network.state.topics[topic_id].entity
    assert (entity.memo, entity.auto_renew_s, entity.admin_key) == ("hcs-bridge:1", 7_776_000, None)
    assert entity.submit_key is not None


async def test_asked_again_with_the_intent_on_record_it_makes_no_other(devnet: Devnet, intents: Intents) -> None:
    """As after a crash before `created` was on disk."""
    first = await creator(intents).create("c1")
    assert await creator(intents).create("c1") == first
    assert made(devnet) == [first]


async def test_nothing_is_sent_before_its_turn_and_the_intent_comes_first(devnet: Devnet, intents: Intents) -> None:
    seen: list[tuple[set[str], int]] = []

    async def pace() -> None:
        seen.append((set(intents.pending), len(made(devnet))))

    await creator(intents, pace=pace).create("c1")
    assert seen == [({"c1"}, 0)]


async def test_a_topic_that_is_there_already_is_not_made_again(devnet: Devnet, intents: Intents) -> None:
    class Known(Intents):
        """Another attempt has made it since this one was asked for."""

        async def intent(self, ref: str) -> Intent | TopicId:  # type: ignore[override]
            return TopicId(0, 0, 7)

    assert await creator(Known(intents.client)).create("c1") == TopicId(0, 0, 7)
    assert made(devnet) == []


async def test_a_lost_acknowledgement_makes_no_second_topic(devnet: Devnet, intents: Intents) -> None:
    devnet.faults.inject(Fault.LOST_ACKNOWLEDGEMENT)
    topic_id = await creator(intents).create("c1")
    assert made(devnet) == [topic_id]


async def test_no_node_no_topic_and_later_one(devnet: Devnet, intents: Intents) -> None:
    before = (await intents.intent("c1")).id
    devnet.faults.inject(Fault.NODE_DOWN)
    with pytest.raises(Unavailable):
        await creator(intents).create("c1")
    assert intents.pending == {"c1": before}
    devnet.faults.clear()
    topic_id = await creator(intents).create("c1")
    assert made(devnet) == [topic_id]


async def test_once_receipts_are_forgotten_the_mirror_tells_which_topic_it_was(
    devnet: Devnet, intents: Intents, clock: Clock
) -> None:
    create = TopicCreate((await intents.intent("c1")).id, "m", max_fee_tinybar=25 * HBAR, auto_renew_s=7_776_000)
    await intents.client.ledger.create_topic(create)  # and a crash
    clock.ahead_ns = 400 * NANOS
    topic_id = await creator(intents).create("c1")
    assert made(devnet) == [topic_id]
    assert intents.ended == []


async def test_an_id_that_never_ran_gives_way_to_another(devnet: Devnet, intents: Intents, clock: Clock) -> None:
    before = (await intents.intent("c1")).id
    clock.ahead_ns = 400 * NANOS
    topic_id = await creator(intents).create("c1")
    assert intents.ended == [(before, "NEVER_RAN")]
    assert made(devnet) == [topic_id]


async def test_what_a_node_refuses_stays_on_record(devnet: Devnet, intents: Intents) -> None:
    """An earlier copy of that id may be on its way all the same."""
    before = (await intents.intent("c1")).id
    with pytest.raises(Rejected) as caught:
        await creator(intents, max_fee_tinybar=1).create("c1")
    assert caught.value.status == "INSUFFICIENT_TX_FEE"
    assert (await intents.intent("c1")).id == before
    topic_id = await creator(intents).create("c1")
    assert made(devnet) == [topic_id]


async def test_what_consensus_refuses_is_spent_and_told(devnet: Devnet, intents: Intents) -> None:
    before = (await intents.intent("c1")).id
    with pytest.raises(Rejected) as caught:
        await creator(intents, auto_renew_s=1).create("c1")
    assert caught.value.status == "AUTORENEW_DURATION_NOT_IN_RANGE"
    assert intents.ended == [(before, "AUTORENEW_DURATION_NOT_IN_RANGE")]
    topic_id = await creator(intents).create("c1")
    assert made(devnet) == [topic_id]
