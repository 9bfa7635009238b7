"""What several backends commit, with rollbacks, savepoints and deadlocks between: that is told and taken, in order."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from bridge.config import load
from tests.bridge.intake.application import Application, Bridge, bridge_at, run_out
from tests.bridge.intake.hashbuzz import PRESET, SECRET, Told, backend, psql, told
from tests.bridge.publish.killing import Axe, Killed

STATUSES = ("ApprovalPending", "CampaignApproved", "CampaignRunning", "RewardsDistributed", "InternalError")
WRITERS = 4
CAMPAIGNS = range(1, 7)
USERS = range(1, 6)
SETUP = f"""
ALTER DATABASE :"DBNAME" SET deadlock_timeout = '10ms';
INSERT INTO campaign_twittercard (id, owner_id, name) SELECT number, 1 + number % 5, 'c'
FROM generate_series(1, {len(CAMPAIGNS)}) AS number;
TRUNCATE hcs_bridge.outbox;
"""  # noqa: S608 # a number of ours


class Done(NamedTuple):
    """A step, and when it was done: of those on one row, which is locked to its transaction's end, the order counts."""

    turn: int
    row: str
    told: Told


@dataclass
class Backend:
    """One of the application's processes."""

    session: psycopg.Connection[Any]
    draw: random.Random
    turns: itertools.count[int]
    committed: list[Done] = field(default_factory=list)
    deadlocks: int = 0

    def work(self, transactions: int) -> None:
        """So many, one in four of which is rolled back."""
        for _ in range(transactions):
            try:
                with self.session.transaction(force_rollback=(rolled_back := self.draw.random() < 0.25)):
                    done = self._steps()
            except psycopg.errors.DeadlockDetected:
                self.deadlocks += 1
                continue
            if not rolled_back:
                self.committed += done

    def _steps(self) -> list[Done]:
        """One to four, some of them in savepoints, some of these rolled back."""
        done: list[Done] = []
        for _ in range(self.draw.randint(1, 4)):
            step = self.draw.choice([self._status, self._status, self._budget, self._balance, self._log])
            kind = self.draw.choice(["plain", "plain", "released", "rolled back"])
            if kind == "plain":
                done += step()
                continue
            with self.session.transaction(force_rollback=kind == "rolled back"):
                found = step()
            done += found if kind == "released" else []
        return done

    def _status(self) -> list[Done]:
        number, new = self.draw.choice(CAMPAIGNS), self.draw.choice(STATUSES)
        old = self._value("SELECT card_status::text FROM campaign_twittercard WHERE id = %s FOR UPDATE", number)
        self.session.execute("UPDATE campaign_twittercard SET card_status = %s WHERE id = %s", [new, number])
        payload = {"newStatus": new, "oldStatus": old}
        row = Told("CAMPAIGN_STATUS_UPDATE", str(number), str(1 + number % 5), None, payload)
        return [Done(next(self.turns), f"campaign {number}", row)] if new != old else []

    def _budget(self) -> list[Done]:
        user, new = self.draw.choice(USERS), self.draw.randint(0, 3)
        old = self._value("SELECT available_budget FROM user_user WHERE id = %s FOR UPDATE", user)
        self.session.execute("UPDATE user_user SET available_budget = %s, salt = %s WHERE id = %s", [new, SECRET, user])
        payload = {"balanceType": "HBAR", "newBalance": str(new), "oldBalance": f"{old:.0f}"}
        row = Told("BALANCE_UPDATE", None, None, str(user), payload)
        return [Done(next(self.turns), f"user {user}", row)] if new != old else []

    def _balance(self) -> list[Done]:
        """As Prisma's upsert."""
        user, new = self.draw.choice(USERS), self.draw.randint(0, 3) / 2
        self._value("SELECT id FROM user_user WHERE id = %s FOR UPDATE", user)  # or two would both insert
        old = self._value("SELECT entity_balance FROM user_balances WHERE user_id = %s", user)
        self.session.execute(
            "INSERT INTO user_balances (user_id, token_id, entity_balance) VALUES (%s, 9, %s)"
            " ON CONFLICT (user_id, token_id) DO UPDATE SET entity_balance = excluded.entity_balance",
            [user, new],
        )
        payload = {"balanceType": "TOKEN", "newBalance": f"{new:g}", "tokenId": "9"}
        payload |= {"oldBalance": f"{old:g}"} if old is not None else {}
        row = Told("BALANCE_UPDATE", None, None, str(user), payload)
        return [Done(next(self.turns), f"balance {user}", row)] if new != old else []

    def _log(self) -> list[Done]:
        number, turn = self.draw.choice(CAMPAIGNS), next(self.turns)
        self.session.execute(
            """INSERT INTO "CampaignLog" (campaign_id, status, message, data) VALUES (%s, 'done', %s, %s)""",
            [number, f"step {turn}", json.dumps({"token": SECRET})],
        )
        payload = {"status": "done", "message": f"step {turn}"}
        return [Done(turn, f"log {turn}", Told("CAMPAIGN_LOG", str(number), str(1 + number % 5), None, payload))]

    def _value(self, sql: str, number: int) -> Any:
        row = self.session.execute(sql.encode(), [number]).fetchone()
        return row and row[0]


def row_of(each: Told) -> str:
    """The application's row that it is about."""
    if each.event == "CAMPAIGN_STATUS_UPDATE":
        return f"campaign {each.campaign}"
    if each.event == "BALANCE_UPDATE":
        return f"{'user' if each.payload['balanceType'] == 'HBAR' else 'balance'} {each.to_user}"
    return f"log {each.payload['message'].removeprefix('step ')}"


def committed(url: str, transactions: int) -> list[Told]:
    """What so many transactions of several backends leave, those of one row in their order; back when all are done."""
    turns = itertools.count()
    draws = [random.Random(seed) for seed in range(WRITERS)]  # noqa: S311 # no secret
    backends = [Backend(backend(url), draw, turns) for draw in draws]
    with ThreadPoolExecutor(WRITERS) as pool:
        for running in [pool.submit(each.work, transactions // WRITERS) for each in backends]:
            running.result()
    for each in backends:
        each.session.close()
    print(f"{transactions} transactions, {sum(each.deadlocks for each in backends)} deadlocks")  # noqa: T201
    return [done.told for done in sorted(done for each in backends for done in each.committed)]


def by_row(changes: Iterable[Told]) -> dict[str, list[Told]]:
    """The application's rows, each with its changes in their order."""
    found = defaultdict[str, list[Told]](list)
    for each in changes:
        found[row_of(each)].append(each)
    return found


@pytest.mark.parametrize("transactions", [300, pytest.param(10_000, marks=pytest.mark.long)])
def test_the_outbox_is_what_was_committed_in_the_order_of_each_row(hashbuzz_url: str, transactions: int) -> None:
    psql(hashbuzz_url, "\\set ON_ERROR_STOP on\n" + SETUP)
    expected = committed(hashbuzz_url, transactions)
    outbox = told(hashbuzz_url)
    assert by_row(outbox) == by_row(expected)
    assert len(outbox) > transactions
    assert {one.event for one in outbox} == {"CAMPAIGN_STATUS_UPDATE", "BALANCE_UPDATE", "CAMPAIGN_LOG"}
    assert SECRET not in repr(outbox)


async def end_early(bridge: Bridge, draw: random.Random, at: int) -> None:
    """A reader that is killed at that step, before or after it, or cancelled at any moment."""
    if draw.random() < 0.5:
        with pytest.raises(Killed):
            await bridge.reading_under(Axe(at, after=draw.random() < 0.5)).run()
        return
    reading = asyncio.create_task(bridge.reading().run())
    await asyncio.sleep(draw.uniform(0.0, 0.03))
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading


@pytest.mark.parametrize("transactions", [300, pytest.param(10_000, marks=pytest.mark.long)])
async def test_a_bridge_that_ends_at_every_step_takes_each_committed_change_once_and_in_order(
    tmp_path: Path, hashbuzz_url: str, transactions: int
) -> None:
    psql(hashbuzz_url, "\\set ON_ERROR_STOP on\n" + SETUP)
    application, draw = Application(hashbuzz_url), random.Random(8)  # noqa: S311 # no secret
    declared = load(PRESET, {}).events.declared
    async with bridge_at(tmp_path, application, declared, max_batch=10) as bridge:
        writing = asyncio.create_task(asyncio.to_thread(committed, hashbuzz_url, transactions))
        ends = 0
        while not writing.done():
            await end_early(bridge, draw, 1 + ends % 15)
            ends += 1
        await run_out(application, bridge.reader)
        taken = [
            Told(event.type, event.data.pop("campaignId", None), None, event.audience, event.data)  # type: ignore[arg-type]
            for event in await bridge.events()
        ]
    assert by_row(taken) == by_row(each._replace(owner=None) for each in await writing)
    assert (len(taken) > transactions, ends > 3) == (True, True), ends
    print(f"{ends} ends, {len(taken)} events")  # noqa: T201
