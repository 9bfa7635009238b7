"""Nodes know what they took and what reached consensus, until its time is over."""

from __future__ import annotations

from tests.topics.devnet.ground import FIRST, SECOND, Ground
from topics.devnet.history import History
from topics.values import AccountId, TopicId, TransactionId

ID = TransactionId(AccountId(0, 0, 1001), 1000)


def test_only_the_node_that_took_it_knows() -> None:
    history = History(lifetime_ns=50)
    assert history.at(FIRST, ID) is None
    history.take(FIRST, ID)
    assert history.at(FIRST, ID) is not None
    assert history.at(SECOND, ID) is None
    assert not history.ran(ID)


def test_consensus_tells_everybody() -> None:
    ground = Ground()
    record = ground.run(ground.submit(TopicId(0, 0, 9)))
    history = History(lifetime_ns=50)
    history.add(record)
    assert history.ran(record.id)
    entry = history.at(SECOND, record.id)
    assert entry is not None
    assert entry.records == [record]


def test_forgotten_by_valid_start() -> None:
    history = History(lifetime_ns=50)
    older = TransactionId(ID.payer, 990)
    history.take(FIRST, ID)
    history.take(FIRST, older)
    history.forget(1040)
    assert history.at(FIRST, older) is None
    assert history.at(FIRST, ID) is not None
    history.forget(1050)
    assert history.at(FIRST, ID) is None
