"""HashBuzz's database with the preset's triggers in it, changed as its backend does, by a role of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from bridge.config import load
from bridge.config_sections import WatchedTable
from bridge.intake.triggers import install
from bridge.protocol.door.catalogue import Catalogue
from bridge.storage import catalogue_of

TABLES = Path(__file__).parents[3] / "docs/examples/hashbuzz/tables.sql"
PRESET = Path(__file__).parents[3] / "bridge/intake/hashbuzz.toml"
SECRET = "s3cret-marker"
BACKEND = "hashbuzz_backend"
"""A role that may do anything with the application's tables, and nothing in `hcs_bridge`."""
GRANTS = f"""
DO $$ BEGIN CREATE ROLE {BACKEND} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT ALL ON ALL TABLES IN SCHEMA public TO {BACKEND};
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {BACKEND};
"""
USERS = f"""
INSERT INTO user_user (id, password, salt, hash, hedera_wallet_id, "accountAddress", business_twitter_access_token,
  business_twitter_access_token_secret, personal_twitter_access_token)
SELECT number, '{SECRET}', '{SECRET}', '{SECRET}', '{SECRET}', '{SECRET}', '{SECRET}', '{SECRET}', '{SECRET}'
FROM generate_series(1, 5) AS number;
"""  # noqa: S608 # both are constants


class Told(NamedTuple):
    """A row of the outbox, without what differs from run to run."""

    event: str
    campaign: str | None
    owner: str | None
    to_user: str | None
    payload: dict[str, Any]


def rules_of(path: Path) -> tuple[Sequence[WatchedTable], Catalogue]:
    """Of a preset with one database."""
    config = load(path, {})
    [source] = config.ingest.postgres
    return source.tables, catalogue_of(config)


def psql(url: str, sql: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """What the command line of the documentation does."""
    environ = {**os.environ, "PGOPTIONS": ""}
    command = ["psql", "-X", "-q", "-d", url]
    return subprocess.run(command, input=sql, capture_output=True, text=True, env=environ, check=check)


def prepared(url: str) -> None:
    """The application's tables, five users, and the triggers."""
    psql(url, "\\set ON_ERROR_STOP on\n" + TABLES.read_text() + GRANTS + USERS)
    psql(url, install(*rules_of(PRESET)))


def backend(url: str, **how: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """A session of the application's backend."""
    return psycopg.connect(url, user=BACKEND, **how)


def told(url: str) -> list[Told]:
    """The outbox, in the order of its ids."""
    with psycopg.connect(url) as session:
        rows = session.execute("SELECT event, campaign, owner, to_user, payload FROM hcs_bridge.outbox ORDER BY id")
        return [Told(*row) for row in rows]


def campaign(session: psycopg.Connection[Any], owner: int = 3) -> int:
    """A new one's number."""
    row = session.execute(
        "INSERT INTO campaign_twittercard (owner_id, name) VALUES (%s, 'c') RETURNING id", [owner]
    ).fetchone()
    assert row
    return int(row[0])
