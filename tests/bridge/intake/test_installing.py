"""Installing, migrating beside it, dumping and uninstalling: what psql says, and what is left of it."""

from __future__ import annotations

import subprocess
import uuid
from typing import Any

import psycopg
import pytest

from bridge.config_sections import WatchedTable
from bridge.intake.triggers import install, uninstall
from tests.bridge.intake.hashbuzz import (
    GRANTS,
    PRESET,
    TABLES,
    USERS,
    campaign,
    psql,
    rules_of,
    told,
)
from tests.servers import PostgresServer

Session = psycopg.Connection[tuple[Any, ...]]


@pytest.mark.parametrize(
    "migration",
    [
        "campaign_twittercard DROP COLUMN card_status",
        "campaign_twittercard DROP COLUMN owner_id",
        "campaign_twittercard ALTER card_status TYPE text",
        '"CampaignLog" DROP COLUMN message',
    ],
)
def test_a_column_that_is_read_cannot_be_migrated_by_mistake(hashbuzz_url: str, migration: str) -> None:
    refusals = (psycopg.errors.DependentObjectsStillExist, psycopg.errors.FeatureNotSupported)
    with psycopg.connect(hashbuzz_url) as owner, pytest.raises(refusals, match="hcs_bridge_0"):
        owner.execute(f"ALTER TABLE {migration}".encode())


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
    ({"when_changed": ["state"]}, "column new.state does not exist"),
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
