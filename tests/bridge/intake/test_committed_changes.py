"""What several backends commit, with rollbacks, savepoints and deadlocks between: just that is told, in order."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.bridge.intake.hashbuzz import SECRET, Told, backend, psql, told

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


@pytest.mark.parametrize("transactions", [300, pytest.param(10_000, marks=pytest.mark.long)])
def test_the_outbox_is_what_was_committed_in_the_order_of_each_row(hashbuzz_url: str, transactions: int) -> None:
    psql(hashbuzz_url, "\\set ON_ERROR_STOP on\n" + SETUP)
    turns = itertools.count()
    draws = [random.Random(seed) for seed in range(WRITERS)]  # noqa: S311 # no secret
    backends = [Backend(backend(hashbuzz_url), draw, turns) for draw in draws]
    with ThreadPoolExecutor(WRITERS) as pool:
        for running in [pool.submit(each.work, transactions // WRITERS) for each in backends]:
            running.result()
    for each in backends:
        each.session.close()
    expected, found = defaultdict[str, list[Told]](list), defaultdict[str, list[Told]](list)
    for done in sorted(done for each in backends for done in each.committed):
        expected[done.row].append(done.told)
    outbox = told(hashbuzz_url)
    for one in outbox:
        found[row_of(one)].append(one)
    assert found == expected
    assert len(outbox) > transactions
    assert set(Counter(one.event for one in outbox)) == {"CAMPAIGN_STATUS_UPDATE", "BALANCE_UPDATE", "CAMPAIGN_LOG"}
    assert SECRET not in repr(outbox)
    print(f"{transactions} transactions, {sum(each.deadlocks for each in backends)} deadlocks, {len(outbox)} rows")  # noqa: T201
