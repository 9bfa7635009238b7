"""The triggers, in a real PostgreSQL with HashBuzz's tables: what the application commits is told, and only that."""

from __future__ import annotations

import math
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from bridge.config_sections import WatchedTable
from bridge.intake.triggers import install, uninstall
from bridge.protocol.door.catalogue import DeclaredEvent, catalogue_with
from tests.bridge.intake.hashbuzz import (
    GRANTS,
    PRESET,
    SECRET,
    TABLES,
    USERS,
    Told,
    backend,
    psql,
    rules_of,
    told,
)
from tests.servers import PostgresServer

Session = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def session(hashbuzz_url: str) -> Iterator[Session]:
    """The backend's, which may read and write nothing of the bridge's."""
    with backend(hashbuzz_url, autocommit=True) as made:
        yield made


def campaign(session: Session, owner: int = 3) -> int:
    row = session.execute(
        "INSERT INTO campaign_twittercard (owner_id, name) VALUES (%s, 'c') RETURNING id", [owner]
    ).fetchone()
    assert row
    return int(row[0])


def test_a_campaign_and_its_steps_are_told_with_its_owner(hashbuzz_url: str, session: Session) -> None:
    number = campaign(session)
    session.execute("UPDATE campaign_twittercard SET card_status = 'CampaignApproved' WHERE id = %s", [number])
    first, second = told(hashbuzz_url)
    assert first == Told("CAMPAIGN_STATUS_UPDATE", str(number), "3", None, {"newStatus": "ApprovalPending"})
    assert second.payload == {"newStatus": "CampaignApproved", "oldStatus": "ApprovalPending"}


def test_what_is_no_change_is_not_told(hashbuzz_url: str, session: Session) -> None:
    number = campaign(session)
    session.execute(
        "UPDATE campaign_twittercard SET card_status = 'ApprovalPending', name = 'd' WHERE id = %s", [number]
    )
    session.execute("UPDATE user_user SET available_budget = 0, hash = 'other'")
    assert len(told(hashbuzz_url)) == 1


def test_a_rollback_takes_it_back_and_a_savepoint_its_part(hashbuzz_url: str, session: Session) -> None:
    number = campaign(session)
    step = "UPDATE campaign_twittercard SET card_status = %s WHERE id = %s"
    with session.transaction(force_rollback=True):
        session.execute(step, ["CampaignDeclined", number])
    with session.transaction():
        session.execute(step, ["CampaignApproved", number])
        with session.transaction(force_rollback=True):
            session.execute(step, ["InternalError", number])
        session.execute(step, ["CampaignRunning", number])
    found = [each.payload["newStatus"] for each in told(hashbuzz_url)]
    assert found == ["ApprovalPending", "CampaignApproved", "CampaignRunning"]


def test_balances_and_log_rows_are_told(hashbuzz_url: str, session: Session) -> None:
    number = campaign(session, owner=2)
    session.execute("UPDATE user_user SET available_budget = 9007199254740993 WHERE id = 4")
    session.execute("INSERT INTO user_balances (user_id, token_id, entity_balance) VALUES (5, 7, 1.5)")
    session.execute("UPDATE user_balances SET entity_balance = 1e21 WHERE user_id = 5")
    session.execute(
        """INSERT INTO "CampaignLog" (campaign_id, status, message, data) VALUES (%s, 'ok', 'it''s on', %s)""",
        [number, f'{{"token": "{SECRET}"}}'],
    )
    hbar, new, more, log = told(hashbuzz_url)[1:]
    assert hbar == Told(
        "BALANCE_UPDATE",
        None,
        None,
        "4",
        {"balanceType": "HBAR", "newBalance": "9007199254740992", "oldBalance": "0"},
    )
    assert new == Told("BALANCE_UPDATE", None, None, "5", {"balanceType": "TOKEN", "newBalance": "1.5", "tokenId": "7"})
    assert more.payload["newBalance"] == "1" + 21 * "0"
    assert log == Told("CAMPAIGN_LOG", str(number), "2", None, {"status": "ok", "message": "it's on"})


def test_no_secret_of_a_row_gets_into_the_outbox(hashbuzz_url: str, session: Session) -> None:
    number = campaign(session)
    session.execute("UPDATE user_user SET available_budget = id")
    session.execute(
        """INSERT INTO "CampaignLog" (campaign_id, status, message, data) VALUES (%s, 's', 'm', to_json(%s::text))""",
        [number, SECRET],
    )
    assert len(told(hashbuzz_url)) == 7
    with psycopg.connect(hashbuzz_url) as owner:
        rows = owner.execute("SELECT o::text FROM hcs_bridge.outbox AS o").fetchall()
    assert rows
    assert not any(SECRET in row[0] for row in rows)


def test_no_value_of_a_number_stands_in_the_applications_way(hashbuzz_url: str, session: Session) -> None:
    with psycopg.connect(hashbuzz_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE user_user ALTER available_budget DROP NOT NULL")
    for setting in ("SET extra_float_digits = -15", "SET timezone = 'Asia/Kolkata'", "SET search_path = pg_temp"):
        session.execute(setting.encode())
    values = [17.25, math.inf, -math.inf, 1e308, 5e-324, -0.0, 2.0**53 + 2, math.nan]
    for value in [*values, None]:
        session.execute("UPDATE public.user_user SET available_budget = %s WHERE id = 1", [value])
    news = [each.payload.get("newBalance") for each in told(hashbuzz_url)]
    olds = [each.payload.get("oldBalance") for each in told(hashbuzz_url)]
    assert olds == ["0", *news[:-1]]
    assert news[-2:] == ["NaN", None]
    assert [float(new) for new in news[:-2]] == values[:-1]
    assert not any("e" in new for new in news[:-2])


def test_an_id_is_a_uuid_of_its_time(hashbuzz_url: str, session: Session) -> None:
    for _ in range(20):
        campaign(session)
    with psycopg.connect(hashbuzz_url) as owner:
        rows = owner.execute("SELECT event_id, extract(epoch FROM made_at) FROM hcs_bridge.outbox").fetchall()
    for event_id, made_at_s in rows:
        assert (event_id.version, event_id.variant) == (7, uuid.RFC_4122)
        assert abs((event_id.int >> 80) / 1000 - float(made_at_s)) < 5
    assert len({event_id for event_id, _ in rows}) == 20


def test_who_listens_hears_of_a_commit(hashbuzz_url: str, session: Session) -> None:
    with psycopg.connect(hashbuzz_url, autocommit=True) as listener:
        listener.execute("LISTEN hcs_bridge")
        with session.transaction():
            campaign(session)
            campaign(session)
        heard = [each.channel for each in listener.notifies(timeout=10, stop_after=1)]
    assert heard == ["hcs_bridge"]


def test_the_backend_sees_nothing_of_the_bridges(session: Session) -> None:
    for statement in ("SELECT * FROM hcs_bridge.outbox", "SELECT hcs_bridge.new_id()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement.encode())


def test_a_column_that_is_told_cannot_be_dropped_by_mistake(hashbuzz_url: str) -> None:
    with (
        psycopg.connect(hashbuzz_url) as owner,
        pytest.raises(psycopg.errors.DependentObjectsStillExist, match="hcs_bridge_01"),
    ):
        owner.execute("ALTER TABLE campaign_twittercard DROP COLUMN card_status")


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
    command = [server.binaries / "pg_dump", "-d", hashbuzz_url]
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


RICH = """
CREATE TABLE things (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n numeric, i int, b boolean, at timestamptz,
  local timestamp, day date, word char(9), words text[], doc jsonb, plain json, bytes bytea, span interval);
"""


def test_every_type_of_column_is_told(postgres_url: str) -> None:
    psql(postgres_url, RICH)
    names = ["n", "i", "b", "at", "local", "day", "word", "words", "doc", "plain", "bytes", "span"]
    declared = DeclaredEvent("THING", "CAMPAIGN", tuple(names), "campaign")
    rule = {"table": "things", "when_changed": names, "event": "THING", "campaign": "id"}
    fields: dict[str, Any] = {name: name for name in names}
    table = WatchedTable.model_validate(rule | {"payload": fields})
    psql(postgres_url, install([table], catalogue_with([declared])))
    with psycopg.connect(postgres_url, autocommit=True) as session:
        session.execute("SET timezone = 'America/New_York'; SET datestyle = 'SQL, DMY'; SET bytea_output = 'escape'")
        session.execute("INSERT INTO things DEFAULT VALUES")
        session.execute(
            """UPDATE things SET n = 12345678901234567890.50, i = 7, b = true, at = '2026-01-02 03:04:05.678+00',
            local = '2026-01-02 03:04:05', day = '2026-01-02', word = 'ab', words = '{a,b}', doc = '{"a": 1}',
            plain = '{"b": 2}', bytes = '\\x00ff', span = '1 day'"""
        )
        session.execute("UPDATE things SET at = 'infinity', local = '-infinity', n = 'NaN', plain = '{\"b\":2}'")
    empty, full, odd = (each.payload for each in told(postgres_url))
    assert empty == {}
    assert full == {
        "n": "12345678901234567890.50", "i": "7", "b": True, "at": "2026-01-02T03:04:05.678+00:00",
        "local": "2026-01-02T03:04:05Z", "day": "2026-01-02", "word": "ab", "words": ["a", "b"], "doc": {"a": 1},
        "plain": {"b": 2}, "bytes": full["bytes"], "span": full["span"],
    }  # fmt: skip
    assert (odd["at"], odd["n"]) == ("infinity", "NaN")


def test_constants_come_as_they_are_written(postgres_url: str) -> None:
    psql(postgres_url, RICH)
    odd = 'it\'s $hcs_bridge$ \\ "x" {} %s ünï'
    rule = {
        "table": "things",
        "on": ["insert"],
        "event": "SYSTEM_NOTIFICATION",
        "to_user": {"value": "77"},
        "payload": {
            "notificationType": {"value": "INFO"},
            "title": {"value": odd},
            "message": "id",
            "autoHide": {"value": True},
            "hideAfterMs": "i",
            "actionRequired": "b",
        },
    }
    psql(postgres_url, install([WatchedTable.model_validate(rule)], catalogue_with()))
    psql(postgres_url, "SET standard_conforming_strings = off; INSERT INTO things (i, b) VALUES (5, false);")
    [found] = told(postgres_url)
    assert found.to_user == "77"
    assert found.payload.pop("message")
    assert found.payload == {
        "notificationType": "INFO", "title": odd, "autoHide": True, "hideAfterMs": 5, "actionRequired": False,
    }  # fmt: skip
