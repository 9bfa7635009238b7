"""Whatever is lost on the way, there is one directory, and each topic stands in it once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection, func, select

from bridge.protocol.directory import MEMO
from bridge.publish.creations import Creations
from bridge.publish.directory import DIRECTORY, Directory
from bridge.publish.id_records import TransactionState
from bridge.schema import transactions
from tests.bridge.publish.killing import Axe, Killed, _Under
from tests.bridge.publish.listing import advanced, campaigns, directory_of, shown
from tests.bridge.publish.topic_counts import on_devnet
from tests.footing import Clock, Terms, terms_at
from tests.rooms import TOPIC_TERMS, WINDOW_S, Rooms, rooms_on, until
from topics.creator import Creator
from topics.devnet.faults import Fault
from topics.errors import Rejected, StartInFuture, Unavailable
from topics.settlement import Sources


async def test_a_refusal_is_paid_for_once_a_round_and_told(terms: Terms) -> None:
    """The directory is gone: one try shows it, and the other topics wait."""
    async with rooms_on(terms) as rooms:
        await campaigns(rooms, "c1")
        await advanced(rooms)
        known, lost = await shown(rooms), await directory_of(rooms)
        await campaigns(rooms, "c2", "c3", "c4")
        held = terms.devnet.network.state.topics.pop(lost)
        refused = await rooms.directory.advance()
        assert isinstance(refused, Rejected)
        assert refused.status == "INVALID_TOPIC_ID"
        assert await rooms.database.read(_states) == {TransactionState.SETTLED: 2, TransactionState.SPENT: 1}
        terms.devnet.network.state.topics[lost] = held
        await advanced(rooms)
        assert sorted(await shown(rooms)) == sorted(known + [await rooms.topic(ref) for ref in ("c2", "c3", "c4")])


def _states(connection: Connection) -> dict[str, int]:
    counted = select(transactions.c.state, func.count()).where(transactions.c.ref == DIRECTORY)
    return dict(connection.execute(counted.group_by(transactions.c.state)).all())


def under(axe: Axe, rooms: Rooms) -> Directory:
    """The rooms' directory, whose every step counts."""
    database = cast("Any", _Under(axe, rooms.database, "write"))
    ledger = cast("Any", _Under(axe, rooms.ledger, "create_topic", "submit", "receipt"))
    sources = Sources(ledger, rooms.mirror, rooms.ids.network.now_ns)
    intents = Creations(database, rooms.ids, valid_duration_s=WINDOW_S)
    terms = replace(TOPIC_TERMS, memo=MEMO)
    source = Creator(terms, intents, sources=sources, witness=rooms.ledger)
    return replace(rooms.directory, database=database, source=source, sources=sources)


async def test_killed_before_each_step_it_makes_one_directory_and_lists_once(tmp_path: Path) -> None:
    """Steps: name, intent, creation, receipt, that it is kept; then intent, listing, receipt, that it is kept."""
    for step in range(1, 11):
        folder = tmp_path / str(step)
        folder.mkdir()
        async with terms_at(folder) as terms:
            async with rooms_on(terms) as rooms:
                topic_ids = await campaigns(rooms, "c1")
                if step == 10:
                    assert await under(Axe(step, after=False), rooms).advance() is None  # there is no tenth
                else:
                    with pytest.raises(Killed):
                        await under(Axe(step, after=False), rooms).advance()
            async with rooms_on(terms) as rooms:
                topic_ids += await campaigns(rooms, "c2")
                await advanced(rooms)
                await advanced(rooms)
                assert await shown(rooms) == topic_ids
                assert on_devnet(rooms) == {*topic_ids, await directory_of(rooms)}


async def test_though_each_acknowledgement_is_lost_nothing_is_listed_twice(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        topic_ids = await campaigns(rooms, "c1", "c2", "c3", "c4")
        terms.devnet.faults.inject(Fault.LOST_ACKNOWLEDGEMENT)
        await advanced(rooms)
        assert sorted(await shown(rooms)) == sorted(topic_ids)
        assert on_devnet(rooms) == {*topic_ids, await directory_of(rooms)}


async def test_what_consensus_has_and_no_receipt_tells_of_is_found_at_the_next_start(terms: Terms) -> None:
    """By then the nodes have forgotten it, and the mirror knows."""
    async with rooms_on(terms) as rooms:
        topic_ids = await campaigns(rooms, "c1")
        await advanced(rooms)
        topic_ids += await campaigns(rooms, "c2")
        with pytest.raises(Killed):
            await under(Axe(4, after=True), rooms).advance()  # name, topic, intent, listing: it has left
    terms.clock.forward(300)
    async with rooms_on(terms) as rooms:
        await advanced(rooms)
        assert await shown(rooms) == topic_ids
        assert await rooms.database.read(_states) == {TransactionState.SETTLED: 3}


async def test_what_no_node_got_is_proven_before_another_id_lists_it(terms: Terms) -> None:
    """And the payer, idle meanwhile, is given the transaction that proves it."""
    async with rooms_on(terms) as rooms:
        topic_ids = await campaigns(rooms, "c1")
        await advanced(rooms)
        topic_ids += await campaigns(rooms, "c2")
        terms.devnet.faults.inject(Fault.NODE_DOWN)
        assert isinstance(await rooms.directory.advance(), Unavailable)
    terms.devnet.faults.clear()
    terms.clock.forward(300)
    async with rooms_on(terms) as rooms:
        await advanced(rooms)
        assert await shown(rooms) == topic_ids[:1]
        assert (await rooms.database.read(_states))[TransactionState.SPENT] == 1
        await advanced(rooms)
        assert await shown(rooms) == topic_ids


async def test_with_a_clock_that_is_ahead_it_takes_another_id(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        topic_ids = await campaigns(rooms, "c1")
        await advanced(rooms)
        topic_ids += await campaigns(rooms, "c2")
    async with rooms_on(replace(terms, clock=Clock(3600 * 10**9))) as rooms:
        assert isinstance(await rooms.directory.advance(), StartInFuture)

        async def is_listed() -> bool:  # once the mirror tells the network's time
            return await rooms.directory.advance() is None

        await until(is_listed)
        assert await shown(rooms) == topic_ids
