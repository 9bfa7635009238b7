"""The triggers, in a real PostgreSQL with HashBuzz's tables: what the application commits is told, and only that."""

from __future__ import annotations

import math
import uuid
from typing import Any

import psycopg
import pytest

from bridge.config_sections import WatchedTable
from bridge.intake.triggers import install
from bridge.protocol.door.catalogue import DeclaredEvent, catalogue_with
from tests.bridge.intake.hashbuzz import (
    BACKEND,
    SECRET,
    Told,
    campaign,
    psql,
    told,
)

Session = psycopg.Connection[tuple[Any, ...]]


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
    for value in [*values, None, 5]:
        session.execute("UPDATE public.user_user SET available_budget = %s WHERE id = 1", [value])
    news = [each.payload["newBalance"] for each in told(hashbuzz_url)]
    olds = [each.payload.get("oldBalance") for each in told(hashbuzz_url)]
    assert olds == ["0", *(None if math.isinf(float(new)) else new for new in news[:-2]), None]
    assert news[-2:] == ["NaN", "5"], "without a value there is no event"
    assert [float(str(new)) for new in news[:-2]] == values[:-1]
    assert not any("e" in str(new) for new in news[:-2])


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


def test_who_writes_rows_himself_needs_no_more_than_insert(hashbuzz_url: str, session: Session) -> None:
    with psycopg.connect(hashbuzz_url, autocommit=True) as owner:
        owner.execute(f"GRANT USAGE ON SCHEMA hcs_bridge TO {BACKEND}".encode())
        owner.execute(f"GRANT INSERT ON hcs_bridge.outbox TO {BACKEND}".encode())
    insert = "INSERT INTO hcs_bridge.outbox (event, campaign, payload) VALUES ('CAMPAIGN_CLOSED', '1', '{}')"
    with session.transaction(force_rollback=True):
        session.execute(insert)
    session.execute(insert)
    assert told(hashbuzz_url) == [Told("CAMPAIGN_CLOSED", "1", None, None, {})]


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
