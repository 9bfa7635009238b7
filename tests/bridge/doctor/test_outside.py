"""Applications' databases and streams, key sets and the bus: whether they answer, give the rights, and are filled."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from redis.asyncio import Redis

from bridge.config import Config
from bridge.config_sections import Bus, Ingest, Issuer, PostgresSource, RedisSource, Tokens, WatchedTable
from bridge.doctor import outside
from bridge.doctor.examination import checks
from bridge.doctor.findings import Finding, Status, examine
from bridge.doctor.ground import Ground
from bridge.intake.triggers import uninstall
from tests.bridge.gateway.tokens.signers import signer
from tests.bridge.intake.hashbuzz import PRESET, campaign, prepared, psql, rules_of
from tests.servers import free_port

PASSWORD = "hunter2-and-more"
RULES = rules_of(PRESET)[0]


@pytest.fixture
def hashbuzz_url(postgres_url: str) -> str:
    """HashBuzz's tables with the preset's triggers."""
    prepared(postgres_url)
    return postgres_url


async def examined(name: str, config: Config) -> Finding:
    """As the doctor does it: what the check raises is a finding, too."""
    wanted = [each for each in checks(Ground(config, [], lambda: 0)) if each.name == name]
    [found] = await examine(wanted, timeout_s=10.0)
    return found


async def application(url: str, *tables: WatchedTable) -> Finding:
    source = PostgresSource(name="shop", url=url, tables=tables)
    return await examined("application shop", Config(ingest=Ingest(postgres=(source,))))


async def test_an_applications_outbox_with_its_triggers(hashbuzz_url: str) -> None:
    with psycopg.connect(hashbuzz_url) as session:
        campaign(session)
    found = await application(hashbuzz_url, *RULES)
    assert found.status is Status.OK
    assert found.found == (
        "1 rows wait, 0 are refused; triggers on "
        "public.CampaignLog, public.campaign_twittercard, public.user_balances, public.user_user"
    )


async def test_triggers_that_have_gone_are_named(hashbuzz_url: str) -> None:
    psql(hashbuzz_url, "DROP TABLE user_balances;")
    missing = await application(hashbuzz_url, *RULES)
    assert (missing.status, missing.found.rpartition("; ")[2].rpartition(", ")[2]) == (
        Status.FAILED,
        "and not on public.user_balances",
    )
    assert (await application(hashbuzz_url)).status is Status.OK, "whose rules the file doesn't say"
    with psycopg.connect(hashbuzz_url) as session:
        campaign(session)
    psql(hashbuzz_url, uninstall(everything=False))
    none = await application(hashbuzz_url)
    assert (none.status, "triggers on no table" in none.found) == (Status.WARNING, True)


async def test_changes_that_are_not_told_are_a_warning_with_the_reason(hashbuzz_url: str) -> None:
    psql(hashbuzz_url, "ALTER TABLE campaign_twittercard RENAME card_status TO state;")
    with psycopg.connect(hashbuzz_url) as session:
        campaign(session)
    found = await application(hashbuzz_url, *RULES)
    assert found.status is Status.WARNING
    assert "0 rows wait, 1 are refused" in found.found
    assert 'no field "card_status"' in found.found


@pytest.mark.parametrize(
    ("grants", "said"),
    [
        ("", "permission denied"),
        (
            "GRANT USAGE ON SCHEMA hcs_bridge TO guest; GRANT SELECT ON hcs_bridge.outbox TO guest;",
            "no right to delete",
        ),
    ],
)
async def test_rights_that_are_missing_are_named(hashbuzz_url: str, grants: str, said: str) -> None:
    psql(hashbuzz_url, f"CREATE ROLE guest LOGIN; {grants}")
    try:
        found = await application(hashbuzz_url.replace("postgres@", "guest@"))
    finally:
        psql(hashbuzz_url, "DROP OWNED BY guest; DROP ROLE guest;")
    assert (found.status, said in found.found) == (Status.FAILED, True), found
    assert "SELECT, UPDATE, DELETE ON hcs_bridge.outbox" in found.hint


async def test_a_database_that_is_away_or_has_no_outbox(postgres_url: str) -> None:
    away = await application(f"postgresql://bob:{PASSWORD}@127.0.0.1:{free_port()}/x")
    assert (away.status, "Connection refused" in away.found) == (Status.FAILED, True)
    assert PASSWORD not in f"{away}"
    empty = await application(postgres_url)
    assert (empty.status, "preset hashbuzz sql | psql" in empty.hint) == (Status.FAILED, True)


def key_store(url: str, key_file: Path | None = None) -> Config:
    issuer = Issuer(name="own", issuer="i", algorithm="RS256", keys_url=f"{url}?key=authKeyStore", key_file=key_file)
    return Config(tokens=Tokens(issuers=(issuer,)))


async def test_a_key_store_in_redis(redis_url: str, tmp_path: Path) -> None:
    config, public = key_store(redis_url), signer("RS256").public.decode()
    empty = await examined("keys of own", config)
    assert (empty.status, empty.found) == (Status.WARNING, "it isn't there")
    async with Redis.from_url(redis_url) as redis:
        await redis.set("authKeyStore", json.dumps([{"kid": "1", "publicKey": public, "privateKey": PASSWORD}]))
        assert await examined("keys of own", config) == Finding("keys of own", Status.OK, "1 for RS256")
        await redis.set("authKeyStore", PASSWORD)
        assert (await examined("keys of own", config)).status is Status.FAILED
        await redis.config_set("requirepass", "right")
    wrong = tmp_path / "redis.password"
    wrong.write_text(PASSWORD)
    wrong.chmod(0o600)
    refused = await examined("keys of own", key_store(redis_url, wrong))
    assert (refused.status, "the password in key_file" in refused.hint) == (Status.FAILED, True)
    assert PASSWORD not in f"{refused}"


async def test_a_stream_that_is_read_or_not_yet_there_or_refused(redis_url: str) -> None:
    config = Config(ingest=Ingest(redis=(RedisSource(name="shop", url=redis_url, stream="changes"),)))
    absent = await examined("stream shop", config)
    assert (absent.status, absent.found) == (Status.WARNING, "there is no stream 'changes' yet")
    async with Redis.from_url(redis_url) as redis:
        await redis.xadd("changes", {"event": "X"})
        assert (await examined("stream shop", config)).found == "1 entries wait, 0 refused ones are kept"
        await redis.xgroup_create("changes", "hcs-bridge", "0")
        await redis.xreadgroup("hcs-bridge", "hcs-bridge", {"changes": ">"})
        await redis.xadd("changes", {"event": "Y"})
        assert await examined("stream shop", config) == Finding(
            "stream shop", Status.OK, "2 entries wait, 0 refused ones are kept"
        )
        await redis.xadd("changes:hcs-bridge:refused", {"refused": "why"})
        refused = await examined("stream shop", config)
        assert (refused.status, "XREVRANGE changes:hcs-bridge:refused" in refused.hint) == (Status.WARNING, True)
        await redis.acl_setuser("deaf", enabled=True, passwords=["+right"], commands=["+@all", "-eval"], keys=["*"])
    source = RedisSource(name="shop", url=redis_url.replace("//", "//deaf:right@"), stream="changes")
    denied = await examined("stream shop", Config(ingest=Ingest(redis=(source,))))
    assert (denied.status, "run scripts" in denied.hint) == (Status.FAILED, True), denied


async def test_a_bus_that_answers_and_one_that_does_not(redis_url: str) -> None:
    found = await examined("bus", Config(bus=Bus(url=redis_url)))
    assert (found.status, "comes back" in found.found) == (Status.OK, True), found
    away = await examined("bus", Config(bus=Bus(url=f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0")))
    assert (away.status, "bus.url" in away.hint) == (Status.FAILED, True)
    assert PASSWORD not in f"{away}"
    async with Redis.from_url(redis_url) as redis:
        await redis.acl_setuser("deaf", enabled=True, passwords=["+right"], commands=["+@all"], reset_channels=True)
    denied = await examined("bus", Config(bus=Bus(url=redis_url.replace("//", "//deaf:right@"))))
    assert (denied.status, "NoPermissionError" in denied.found) == (Status.FAILED, True)


def test_what_is_not_configured_is_not_looked_at() -> None:
    names = {each.name for each in checks(Ground(Config(), [], lambda: 0))}
    ours = (outside.APPLICATION, outside.STREAM, outside.KEYS, outside.BUS)
    assert not {each for each in names if each.startswith(ours)}
