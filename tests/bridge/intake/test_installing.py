"""Installing, migrating beside it, dumping and uninstalling: what psql says, and what is left of it."""

from __future__ import annotations

import re
import subprocess
import uuid
from typing import Any

import psycopg
import pytest

from bridge.config_sections import WatchedTable
from bridge.intake.postgres import READ
from bridge.intake.triggers import install, uninstall
from tests.bridge.intake.hashbuzz import (
    GRANTS,
    PRESET,
    TABLES,
    USERS,
    backend,
    campaign,
    psql,
    rules_of,
    told,
)
from tests.servers import PostgresServer

Session = psycopg.Connection[tuple[Any, ...]]


STEP = "UPDATE campaign_twittercard SET approve = true"
LOG = """INSERT INTO "CampaignLog" (campaign_id, status) VALUES (1, 's')"""
LOST = [
    ("ALTER TABLE campaign_twittercard RENAME card_status TO state", STEP, 'campaign_twittercard .* "card_status"'),
    ("ALTER TABLE campaign_twittercard DROP card_status", STEP, 'campaign_twittercard .* "card_status"'),
    ('ALTER TABLE "CampaignLog" DROP message', LOG, 'CampaignLog .* "message"'),
    (
        'ALTER TABLE "CampaignLog" ALTER message DROP NOT NULL; ALTER TABLE campaign_twittercard DROP owner_id',
        LOG,
        r"CampaignLog .*\.owner_id does not exist",
    ),
]


@pytest.mark.parametrize(("migration", "statement", "said"), LOST)
def test_a_column_that_has_gone_is_told_once_and_stands_in_nobodys_way(
    hashbuzz_url: str, session: Session, migration: str, statement: str, said: str
) -> None:
    assert campaign(session) == 1
    psql(hashbuzz_url, "DELETE FROM hcs_bridge.outbox;")
    psql(hashbuzz_url, f"\\set ON_ERROR_STOP on\n{migration};")
    another = "INSERT INTO campaign_twittercard (name) VALUES ('d')" if statement == STEP else statement
    with backend(hashbuzz_url, autocommit=True) as other, session.transaction():
        assert session.execute(statement.encode()).rowcount == 1
        other.execute("SET lock_timeout = '5s'")
        other.execute(another.encode())  # waits for no row of the outbox that isn't committed yet
    session.execute(statement.encode())
    with psycopg.connect(hashbuzz_url) as owner:
        [(refused,)] = owner.execute("SELECT refused FROM hcs_bridge.outbox").fetchall()
    assert re.search(said, refused)
    assert "install again" in refused


def test_a_column_of_another_type_is_told_again_once_the_triggers_are_installed_again(
    hashbuzz_url: str, session: Session
) -> None:
    step = "UPDATE campaign_twittercard SET card_status = 'CampaignApproved'"
    campaign(session)
    psql(hashbuzz_url, "\\set ON_ERROR_STOP on\nALTER TABLE campaign_twittercard ALTER card_status TYPE text;")
    session.execute(step)
    assert told(hashbuzz_url)[-1].payload == {}, "this session has planned for the type that it was"
    psql(hashbuzz_url, install(*rules_of(PRESET)))
    session.execute(step.replace("Approved", "Running"))
    assert told(hashbuzz_url)[-1].payload == {"newStatus": "CampaignRunning", "oldStatus": "CampaignApproved"}


@pytest.mark.parametrize("removed", ["TABLE hcs_bridge.outbox CASCADE", "FUNCTION hcs_bridge.tell CASCADE", None])
def test_whatever_is_done_to_the_outbox_the_application_goes_on(
    hashbuzz_url: str, session: Session, removed: str | None
) -> None:
    damage = f"DROP {removed}" if removed else "ALTER TABLE hcs_bridge.outbox RENAME payload TO said"
    psql(hashbuzz_url, f"\\set ON_ERROR_STOP on\n{damage};")
    session.execute("SET client_min_messages = error")
    assert campaign(session) == 1
    assert session.execute("UPDATE user_user SET available_budget = 7").rowcount == 5


def test_a_column_that_is_not_read_is_the_applications_own(hashbuzz_url: str, session: Session) -> None:
    with psycopg.connect(hashbuzz_url, autocommit=True) as owner:
        owner.execute('ALTER TABLE campaign_twittercard DROP COLUMN decimals, ALTER name TYPE text, ADD "new" int')
        owner.execute("ALTER TYPE campaignstatus ADD VALUE 'Paused'")
    number = campaign(session)
    session.execute("UPDATE campaign_twittercard SET card_status = 'Paused' WHERE id = %s", [number])
    assert [each.payload["newStatus"] for each in told(hashbuzz_url)] == ["ApprovalPending", "Paused"]


def test_installed_again_it_is_the_same_and_with_other_rules_the_others_go(hashbuzz_url: str, session: Session) -> None:
    tables, catalogue = rules_of(PRESET)
    psql(hashbuzz_url, install(tables, catalogue))
    number = campaign(session)
    assert len(told(hashbuzz_url)) == 1
    psql(hashbuzz_url, install(tables[1:], catalogue))
    session.execute("UPDATE campaign_twittercard SET card_status = 'CampaignApproved' WHERE id = %s", [number])
    session.execute("""INSERT INTO "CampaignLog" (campaign_id, status, message) VALUES (%s, 's', 'm')""", [number])
    assert [each.event for each in told(hashbuzz_url)] == ["CAMPAIGN_STATUS_UPDATE", "CAMPAIGN_LOG"]


MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"campaign": "nr"}, "column new.nr does not exist"),
    ({"when_changed": ["state"]}, "state does not exist"),
    ({"table": "campaigns"}, 'relation "public.campaigns" does not exist'),
    ({"owner": {"select": "id", "from": "user_user", "where": "id", "equals": "name"}}, "operator does not exist"),
]


def test_a_rule_that_does_not_fit_installs_nothing_for_its_table(hashbuzz_url: str, session: Session) -> None:
    psql(hashbuzz_url, uninstall(everything=False))
    (rule, *_), catalogue = rules_of(PRESET)
    for changed, said in MISFITS:
        given = rule.model_dump(by_alias=True, exclude_none=True) | changed
        done = psql(hashbuzz_url, install([WatchedTable.model_validate(given)], catalogue), check=False)
        assert done.returncode != 0
        assert said in done.stderr
    campaign(session)
    assert told(hashbuzz_url) == []


def test_rows_that_wait_are_found_without_a_look_at_those_refused(hashbuzz_url: str) -> None:
    rows = "INSERT INTO hcs_bridge.outbox (event, payload, refused) SELECT 'x', '{}', %s FROM generate_series(1, 5000)"
    with psycopg.connect(hashbuzz_url, autocommit=True) as owner:
        owner.execute(rows, ["no such event"])
        owner.execute(rows.replace("5000", "3"), [None])
        owner.execute("ANALYZE hcs_bridge.outbox")
        plan = owner.execute(f"EXPLAIN (ANALYZE) {READ}".encode(), {"chars": 100, "rows": 500}).fetchall()
    assert "outbox_waiting" in repr(plan)
    assert "Removed by Filter" not in repr(plan)


def dumped(server: PostgresServer, hashbuzz_url: str) -> str:
    """The whole database as SQL, without what is drawn anew each time."""
    command = [str(server.binaries / "pg_dump"), "-d", hashbuzz_url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def test_a_dump_with_the_triggers_can_be_restored(
    postgres: PostgresServer, hashbuzz_url: str, session: Session
) -> None:
    campaign(session)
    postgres.command(f"CREATE DATABASE {(name := f'restored_{uuid.uuid4().hex}')}")
    psql(postgres.url(name), "\\set ON_ERROR_STOP on\n" + dumped(postgres, hashbuzz_url))
    assert told(postgres.url(name)) == told(hashbuzz_url)
    assert dumped(postgres, postgres.url(name)) == dumped(postgres, hashbuzz_url)
    postgres.command(f"DROP DATABASE {name}")


def test_uninstalling_leaves_the_application_as_it_was(postgres: PostgresServer, postgres_url: str) -> None:
    psql(postgres_url, TABLES.read_text() + GRANTS + USERS)
    before = dumped(postgres, postgres_url)
    psql(postgres_url, install(*rules_of(PRESET)))
    assert dumped(postgres, postgres_url) != before
    psql(postgres_url, uninstall(everything=False))
    assert dumped(postgres, postgres_url) == before


def test_uninstalling_keeps_what_was_not_taken_unless_told(hashbuzz_url: str, session: Session) -> None:
    number = campaign(session)
    said = psql(hashbuzz_url, uninstall(everything=False)).stderr
    assert "1 rows wait in hcs_bridge.outbox" in said
    assert len(told(hashbuzz_url)) == 1
    session.execute("UPDATE campaign_twittercard SET card_status = 'CampaignApproved' WHERE id = %s", [number])
    assert len(told(hashbuzz_url)) == 1
    psql(hashbuzz_url, uninstall(everything=True))
    assert (
        psql(hashbuzz_url, "\\t\n SELECT nspname FROM pg_namespace WHERE nspname = 'hcs_bridge';").stdout.strip() == ""
    )
