"""What the application's server refuses, as an operator is told it: with what to do, and without the password."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.errors import ConfigInvalid, Unavailable
from bridge.intake.postgres import check_url, opened
from bridge.intake.settings import SourceSettings
from tests.bridge.intake.application import Application
from tests.servers import free_port

SECRET = "hunter2-and-more"
BREAKS = {
    "3F000": ("DROP SCHEMA hcs_bridge CASCADE", "there is no table hcs_bridge.outbox"),
    "42P01": ("DROP TABLE hcs_bridge.outbox", "there is no table hcs_bridge.outbox"),
    "42703": ("ALTER TABLE hcs_bridge.outbox DROP COLUMN refused", "isn't the table that"),
    "42501": (
        "CREATE ROLE stranger LOGIN; GRANT USAGE ON SCHEMA hcs_bridge TO stranger",
        "SELECT, UPDATE, DELETE ON hcs_bridge.outbox",
    ),
}


@pytest.mark.parametrize("url", [f"postgresql://bob:{SECRET}@[::1/x", f"bob {SECRET}", f"mysql://bob:{SECRET}@h/x"])
def test_what_is_no_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        check_url(url, key="ingest.postgres.0.url")
    assert "ingest.postgres.0.url" in str(refused.value)
    assert "postgresql://user" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(SourceSettings("shop", url))


async def test_nobody_listens() -> None:
    url = f"postgresql://bob:{SECRET}@127.0.0.1:{free_port()}/x"
    with pytest.raises(Unavailable, match=r"'shop' is unavailable: .*Connection refused") as refused:
        async with opened(SourceSettings("shop", url)):
            pass
    assert "the server of its url runs" in refused.value.hint
    assert SECRET not in str(refused.value)


NOT_LET_IN = {
    f"guarded:{SECRET}@": ('password authentication failed for user "guarded"', "the password in its url"),
    "guarded@": ("no password supplied", "the password in its url"),
    "nobody@": ('role "nobody" does not exist', "the user in its url"),
    "unlisted@": ("pg_hba.conf rejects connection", "a line of pg_hba.conf"),
}


@pytest.mark.parametrize("user", NOT_LET_IN)
async def test_who_is_not_let_in_is_told_why(guarded_url: str, user: str) -> None:
    said, hint = NOT_LET_IN[user]
    with pytest.raises(Unavailable) as refused:
        async with opened(SourceSettings("shop", guarded_url.replace("postgres@", user))):
            pass
    assert said in str(refused.value)
    assert hint in refused.value.hint
    assert SECRET not in f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize("state", BREAKS)
async def test_a_table_that_cannot_be_read_is_told_with_what_to_do(application: Application, state: str) -> None:
    sql, hint = BREAKS[state]
    await application.ask(sql)
    url = application.url.replace("postgres@", "stranger@") if state == "42501" else application.url
    try:
        with pytest.raises(Unavailable) as refused:
            async with opened(SourceSettings("shop", url)) as source:
                await source.offers()
        assert hint in refused.value.hint
    finally:
        if state == "42501":
            await application.ask("DROP OWNED BY stranger; DROP ROLE stranger")


async def test_a_database_that_is_not_there(application: Application) -> None:
    with pytest.raises(Unavailable, match="does not exist") as refused:
        async with opened(SourceSettings("shop", f"{application.url}_not")):
            pass
    assert refused.value.hint == "mend the database's name in its url"


async def test_a_commit_is_heard_at_once(application: Application) -> None:
    async with opened(SourceSettings("shop", application.url)) as source:
        hearing = asyncio.create_task(source.news(60.0))
        began_s = time.monotonic()
        await application.write("one")
        await hearing
        assert time.monotonic() - began_s < 30.0
        [offer] = (await source.offers()).values()
        assert offer.change["payload"] == '{"message": "one", "campaignId": "1"}'


async def test_a_session_that_was_ended_is_of_no_more_use(application: Application) -> None:
    async with opened(SourceSettings("shop", application.url)) as source:
        assert await source.alone()
        await application.ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        with pytest.raises(Unavailable):
            await source.news(10.0)
        with pytest.raises(Unavailable):
            await source.offers()
