"""`hcs-bridge preset` as typed: SQL that psql takes, and what it says of tables that are others."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from bridge.cli import main
from tests.bridge.intake.hashbuzz import PRESET, TABLES, psql, told
from tests.doc_blocks import blocks
from tests.integration.world import COMMAND
from tests.servers import PostgresServer


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return Typed(capsys)


class Typed:
    """The command line, up to its end: exit code and what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["preset", *words])
        out, err = self._capsys.readouterr()
        return int(ended.value.code or 0), out + err


def test_from_check_over_sql_to_uninstall(typed: Typed, postgres_url: str) -> None:
    code, said = typed("hashbuzz", "check", "--database", postgres_url)
    assert (code, "there is no table public.campaign_twittercard" in said) == (1, True)
    psql(postgres_url, TABLES.read_text())
    code, said = typed("hashbuzz", "check", "--database", postgres_url + "?schema=public&connection_limit=5")
    assert (code, "all columns are there" in said) == (0, True), said
    code, sql = typed("hashbuzz", "sql")
    assert code == 0
    psql(postgres_url, sql)
    psql(postgres_url, "INSERT INTO campaign_twittercard (name) VALUES ('c');")
    assert [each.event for each in told(postgres_url)] == ["CAMPAIGN_STATUS_UPDATE"]
    assert "1 rows wait" in psql(postgres_url, typed("hashbuzz", "sql", "--uninstall")[1]).stderr
    psql(postgres_url, typed("hashbuzz", "sql", "--uninstall", "--all")[1])
    with pytest.raises(psycopg.errors.UndefinedTable):
        told(postgres_url)


def test_check_says_what_is_missing_and_what_is_of_another_type(typed: Typed, postgres_url: str) -> None:
    psql(
        postgres_url,
        TABLES.read_text()
        + "ALTER TABLE user_user RENAME available_budget TO available_budgets; DROP TABLE user_balances;"
        + 'ALTER TABLE "CampaignLog" ALTER message TYPE bytea USING NULL;',
    )
    code, said = typed("hashbuzz", "check", "--database", postgres_url)
    assert code == 1
    assert said.splitlines() == [
        "public.CampaignLog.message is of type bytea; message takes a text, a number or a boolean",
        "public.user_user has no column available_budget, for when_changed; is it available_budgets?",
        "public.user_user has no column available_budget, for newBalance; is it available_budgets?",
        "public.user_user has no column available_budget, for oldBalance; is it available_budgets?",
        "there is no table public.user_balances",
    ]


def test_a_changed_copy_is_taken_for_the_preset(typed: Typed, tmp_path: Path) -> None:
    _, text = typed("hashbuzz", "show")
    assert text == PRESET.read_text()
    copy = tmp_path / "my.toml"
    copy.write_text(text.replace('"campaign_twittercard"', '"campaigns"'))
    code, sql = typed(str(copy), "sql")
    assert code == 0
    assert '"public"."campaigns"' in sql
    assert "campaign_twittercard" not in sql
    copy.write_text(text.replace('newStatus = "', 'hash = "hash", newStatus = "').replace('"credential', '"x'))
    code, said = typed(str(copy), "sql")
    assert code == 2
    assert "ingest.postgres.0.tables.0.payload.hash" in said


def test_the_page_does_what_it_says(
    postgres: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block of ```sh and ```sql of docs/ingest-postgres.md, from its top, on HashBuzz's tables."""
    psql(postgres_url, TABLES.read_text())
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("PATH", f"{Path(COMMAND).parent}:{os.environ['PATH']}")
    said = []
    try:
        for each in blocks("ingest-postgres.md"):
            if each.language == "sh":
                shell = ["bash", "-e", "-o", "pipefail", "-c", each.text]
                done = subprocess.run(shell, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr
                said.append(done.stdout + done.stderr)
            elif each.language == "sql":
                psql(postgres_url, "\\set ON_ERROR_STOP on\n" + each.text)
        assert "all columns are there" in said[0]
        assert "1 rows wait" in said[1]
        assert [each.event for each in told(postgres_url)] == ["CAMPAIGN_CLOSED"]
    finally:
        postgres.command("DROP OWNED BY hcs_bridge", database=postgres_url.rpartition("/")[2])
        postgres.command("DROP ROLE hcs_bridge")


def test_one_of_several_databases_is_named(typed: Typed, tmp_path: Path) -> None:
    both = tmp_path / "config.toml"
    other = '[[ingest.postgres]]\nname = "shop"\nurl = "credential:shop.url"\n'
    both.write_text(PRESET.read_text() + other)
    code, said = typed(str(both), "sql")
    assert (code, "hashbuzz, shop" in said, "--source" in said) == (2, True, True)
    assert typed(str(both), "sql", "--source", "hashbuzz") == typed("hashbuzz", "sql")
    code, said = typed(str(both), "sql", "--source", "shop")
    assert (code, "has no tables" in said) == (2, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["hashbuz", "sql"], 2, "there is no preset hashbuz"),
        (["none.toml", "sql"], 2, "there is no preset none.toml"),
        (["none.toml", "show"], 2, "there is no preset none.toml"),
        (["hashbuzz", "sql", "--all"], 2, "--all goes with --uninstall"),
        (["hashbuzz", "check", "--database", "postgresql://u:s3cret@127.0.0.1:1/x"], 4, "is unavailable"),
        (["hashbuzz", "check", "--database", "mysql://u:s3cret@h/x"], 2, "is no URL of a PostgreSQL database"),
        (["hashbuzz", "check"], 2, "--database"),
    ],
)
def test_what_cannot_be_done_ends_with_its_code_and_says_why(
    typed: Typed, words: list[str], code: int, said: str
) -> None:
    ended, text = typed(*words)
    assert (ended, said in text) == (code, True), text
    assert "s3cret" not in text
