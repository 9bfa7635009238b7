"""A network that is brought back is the one that was: money, topics, hashes, receipts, and what still waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.topics.devnet.ground import FIRST, NOON_NS, SECOND, Ground, signed, topic_body
from tests.topics.devnet.refusals import refusal, status
from tests.topics.devnet.test_topic_changes import ADMIN, deleting, updating
from topics.devnet import protos
from topics.devnet.envelope import Envelope, open_envelope
from topics.devnet.journal import Begun, Entry, Journal, JournalDamaged, Opened, Ran, Started, Taken
from topics.devnet.ledger_rows import ledger_rows
from topics.devnet.made_keys import make_ed25519
from topics.devnet.network import Network
from topics.devnet.replay import replay
from topics.devnet.settings import HBAR, DevnetSettings
from topics.fees import ExchangeRate
from topics.ledger.hapi import response_code
from topics.values import NANOS, TopicId

PATH = Path("ledger.journal")


class Kept:
    """A ground that writes a journal, and whose network can be brought back from it."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.journal = Journal(directory)
        list(self.journal.entries())
        self.ground = Ground(**settings)
        # The operator was opened before the journal was there.
        self.first: list[Entry] = [Opened(self.ground.key.public.SerializeToString(), 1_000_000 * HBAR, NOON_NS)]
        self.ground.network.journal = self.journal

    def entries(self) -> list[Entry]:
        self.journal.flush()
        return [*self.first, *self.journal.entries()]

    def back(self, **settings: Any) -> Network:
        """Another network with the same past, its time brought forward to now."""
        network = Network(
            DevnetSettings(**({"consensus_delay_s": 0, "mirror_delay_s": 0} | settings)), genesis_ns=NOON_NS
        )
        replay(network, self.entries(), PATH)
        network.advance(self.ground.now_ns)
        return network


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.journal.close()


def busy_day(ground: Ground) -> TopicId:
    """Something of everything."""
    topic_id, poor = ground.create_topic(memo="one"), make_ed25519()
    for content in (b"first", b"second"):
        ground.run(ground.submit(topic_id, content))
    mine = ground.run(ground.body(consensusCreateTopic=topic_body(adminKey=ADMIN.public)), ground.key, ADMIN)
    assert mine.created is not None
    other = TopicId(0, 0, mine.created.id.num)
    ground.run(updating(ground, other, memo="changed"), ground.key, ADMIN)
    ground.run(updating(ground, other, memo="not mine"))
    ground.run(deleting(ground, other), ground.key, ADMIN)
    ground.run(ground.submit(other))
    ground.run(ground.submit(topic_id, payer=ground.open_account(poor, 5 * HBAR)), poor)
    ground.run(ground.transfer({ground.operator: -70, FIRST: 70}))
    twice = ground.submit(topic_id, b"twice")
    ground.ingest(twice)
    twice.nodeAccountID.CopyFrom(protos.account(SECOND))
    ground.ingest(twice, node=SECOND)
    ground.advance()
    return topic_id


def test_everything_is_as_it_was(kept: Kept) -> None:
    topic_id = busy_day(kept.ground)
    network = kept.back()
    before, after = ledger_rows(kept.ground.network), ledger_rows(network)
    assert {each["result"] for each in before["transactions"]} == {
        "SUCCESS", "INVALID_SIGNATURE", "INVALID_TOPIC_ID", "DUPLICATE_TRANSACTION",
    }  # fmt: skip
    assert after == before
    assert network.state.topics[topic_id].position == kept.ground.network.state.topics[topic_id].position
    balances = {str(account): each.balance for account, each in network.mirror.accounts.items()}
    assert balances == {each["account"]: each["balance"] for each in before["accounts"]}


def test_it_goes_on_behind_the_last(kept: Kept) -> None:
    topic_id = busy_day(kept.ground)
    last = list(kept.ground.network.mirror.everything())[-1]
    kept.ground.network = kept.back()
    # A clock that went back in between doesn't matter.
    kept.ground.now_ns -= 5 * NANOS
    body = kept.ground.submit(topic_id, b"next")
    kept.ground.ingest(body)
    kept.ground.advance()
    record = kept.ground.records(body)[-1]
    assert record.message is not None
    assert (record.message.sequence, status(record)) == (5, "SUCCESS")
    assert record.consensus_ns > last.consensus_ns
    assert kept.ground.create_topic() == TopicId(0, 0, 1005)


def test_receipts_and_ids_are_remembered(kept: Kept) -> None:
    body = kept.ground.submit(TopicId(0, 0, 7))
    record = kept.ground.run(body)
    kept.ground.network = kept.back()
    assert kept.ground.records(body, SECOND) == [record]
    assert refusal(lambda: kept.ground.ingest(body)) == "DUPLICATE_TRANSACTION"


def test_what_was_taken_reaches_consensus_after_all(tmp_path: Path) -> None:
    kept = Kept(tmp_path, consensus_delay_s=3, mirror_delay_s=2)
    ground = kept.ground
    body = ground.submit(TopicId(0, 0, 7))
    ground.ingest(body)
    due_ns = ground.now_ns + 3 * NANOS
    ground.network.take(FIRST, ground_envelope(ground), ground.now_ns, busy=True)
    ground.now_ns += 3600 * NANOS
    # It comes back with no delays: what waits is due when it was.
    network = kept.back()
    late, busy = network.mirror.everything()
    assert (late.consensus_ns, status(late)) == (due_ns, "INVALID_TOPIC_ID")
    assert status(busy) == "BUSY"
    kept.journal.close()


def ground_envelope(ground: Ground) -> Envelope:
    return open_envelope(signed(ground.submit(TopicId(0, 0, 7)), [ground.key]))


def test_each_start_may_have_its_own_rate_and_scale(kept: Kept) -> None:
    dear = ExchangeRate(1, 1)
    kept.journal.add(Started(1, 1))
    kept.ground.network.state.rate = dear
    charged = kept.ground.run(kept.ground.submit(TopicId(0, 0, 7))).charged
    network = kept.back(time_scale=1000, consensus_delay_s=9, mirror_delay_s=9)
    [record] = network.mirror.everything()
    assert (record.charged, network.state.rate) == (charged, dear)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Begun(1, "", 0), "begins twice"),
        (Taken(1, 3, False, b""), "INVALID_TRANSACTION_BODY"),
        (Ran(1, response_code.SUCCESS, response_code.SUCCESS), "nobody took"),
    ],
)
def test_what_cannot_have_happened(kept: Kept, entry: Entry, said: str) -> None:
    kept.journal.add(entry)
    with pytest.raises(JournalDamaged, match=said):
        kept.back()


def test_another_end_than_the_one_on_file(kept: Kept) -> None:
    kept.ground.run(kept.ground.submit(TopicId(0, 0, 7)))
    *others, ran = kept.entries()
    assert isinstance(ran, Ran)
    network = Network(DevnetSettings(), genesis_ns=NOON_NS)
    with pytest.raises(JournalDamaged, match="now ends with INVALID_TOPIC_ID"):
        replay(network, [*others, Ran(ran.consensus_ns, ran.verdict, response_code.SUCCESS)], PATH)
