"""A PostgreSQL server as a place."""

from __future__ import annotations

from bridge.config_sections import Database as Section
from bridge.doctor.findings import Status
from bridge.doctor.server import place
from tests.footing import database_of
from tests.servers import PostgresServer, free_port


async def test_before_and_after_the_first_start(postgres_url: str) -> None:
    section = Section(url=postgres_url)
    [database, server] = place(section)
    assert database.status is Status.OK
    assert "the first start makes it" in database.found
    async with database_of(section):
        assert "MiB" in place(section)[0].found
    assert server.status is Status.FAILED  # the tests' server has its fsync off
    assert "fsync" in server.hint


def test_one_that_is_away_or_gives_no_right(postgres: PostgresServer, postgres_url: str) -> None:
    [away] = place(Section(url=f"postgresql://u:a-password@127.0.0.1:{free_port()}/d", busy_timeout_s=1.0))
    assert away.status is Status.FAILED
    assert "runs and can be reached" in away.hint
    assert "a-password" not in away.found + away.hint
    postgres.command("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
    [database, _] = place(Section(url=postgres_url.replace("postgres@", "guest@")))
    assert database.status is Status.FAILED
    assert "GRANT CREATE" in database.hint
