"""`hcs-bridge preset hashbuzz init`: HashBuzz's environment becomes a configuration that can be run, secrets apart."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bridge.cli import app
from bridge.commands.preset_init import NEEDED, toml
from bridge.config import ALIASES, load
from bridge.key_files import check_key_files
from tests.bridge.intake.hashbuzz import PRESET

OPERATOR_KEY = "8f4c" * 16
SECRETS = {
    "HEDERA_PRIVATE_KEY": OPERATOR_KEY,
    "DATABASE_URL": "postgresql://hashbuzz:s3cret-one@db.internal:5432/hashbuzz?schema=public",
    "REDIS_URL": "redis://:s3cret%2Ftwo@redis.internal:6379/2",
}
ENVIRONMENT = SECRETS | {
    "HEDERA_NETWORK": "testnet",
    "HEDERA_ACCOUNT_ID": "0.0.4242",
    "WHITELISTED_DOMAINS": "https://app.example.com, http://localhost:5173",
    "PORT": "4000",
}


@pytest.fixture(autouse=True)
def _in_a_folder_with_hashbuzz_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*ALIASES, *NEEDED):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def init(*words: str, preset: str = "hashbuzz") -> Result:
    return CliRunner().invoke(app, ["preset", preset, "init", *words])


def test_the_environment_becomes_a_configuration(tmp_path: Path) -> None:
    done = init("--no-doctor")
    assert done.exit_code == 0, done.output
    assert "MIRROR_NODE is not set: the network's public mirror" in done.output
    config = load(Path("config.toml"), ENVIRONMENT)  # the same shell may start it
    assert config.operator.key is None
    check_key_files(config)
    assert (config.network.name, str(config.operator.account)) == ("testnet", "0.0.4242")
    assert config.mirror.urls == ("https://testnet.mirrornode.hedera.com",)
    assert config.gateway.origins == ("https://app.example.com", "http://localhost:5173")
    assert (config.gateway.cookie, config.http.port) == ("access_token", 8780)
    [issuer] = config.tokens.issuers
    assert (issuer.issuer, issuer.audience, issuer.algorithm) == ("hashbuzz.social", "hashbuzz-frontend", "RS256")
    assert issuer.keys_url == "redis://redis.internal:6379/2?key=authKeyStore"
    preset = load(PRESET, {})
    assert config.events.declared == preset.events.declared
    assert [source.name for source in config.ingest.postgres] == ["hashbuzz"]
    assert config.database.url == "sqlite:///hcs-bridge.db"


def test_secrets_are_in_files_that_are_closed_and_nowhere_else() -> None:
    said = init("--no-doctor").output
    files = {path.name: path.read_text().strip() for path in Path("keys").iterdir()}
    assert files["operator.key"] == OPERATOR_KEY
    assert files["hashbuzz.url"] == SECRETS["DATABASE_URL"]
    assert files["redis.password"] == "s3cret/two"
    assert {*files} == {"operator.key", "hashbuzz.url", "redis.password", "master.key", "signing.key", "api.key"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in Path("keys").iterdir())
    for text in (said, Path("config.toml").read_text()):
        assert not re.search("s3cret|8f4c", text)


def test_all_that_is_missing_is_named_at_once_and_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEDERA_ACCOUNT_ID", "REDIS_URL"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("WHITELISTED_DOMAINS", "")
    done = init()
    assert (done.exit_code, f"{done.exception}") == (
        1,
        "not in the environment: HEDERA_ACCOUNT_ID (who pays), REDIS_URL (the Redis with authKeyStore in it), "
        "WHITELISTED_DOMAINS (origins of its pages, between commas)",
    )
    assert not [*Path().iterdir()]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WHITELISTED_DOMAINS", "*", "WHITELISTED_DOMAINS: gateway.origins.0 = '*': must be an origin"),
        ("HEDERA_NETWORK", "test", "HEDERA_NETWORK: network.name = 'test'"),
        ("MIRROR_NODE", "mirror", "MIRROR_NODE: mirror.urls"),
        ("LOG_LEVEL", "warn", "LOG_LEVEL: log.level = 'warn': should be 'debug', 'info', 'warning' or 'error'"),
        ("REDIS_URL", "redis://joe:s3cret@h:1", "REDIS_URL is of no kind"),
        ("REDIS_URL", "unix:///s3cret", "REDIS_URL is of no kind"),
    ],
)
def test_what_is_wrong_is_told_by_the_name_that_it_has_there(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    done = init()
    assert said in f"{done.exception}"
    assert "s3cret" not in f"{done.exception}"
    assert not [*Path().iterdir()]


def test_nothing_is_written_over_without_force(monkeypatch: pytest.MonkeyPatch) -> None:
    init("--no-doctor")
    before = {path: path.read_text() for path in (Path("config.toml"), *Path("keys").iterdir())}
    monkeypatch.setenv("HEDERA_ACCOUNT_ID", "0.0.7")
    monkeypatch.setenv("HEDERA_PRIVATE_KEY", "77" * 32)
    refused = init("--no-doctor")
    assert "config.toml and keys/operator.key" in f"{refused.exception}"
    assert {path: path.read_text() for path in before} == before
    assert init("--no-doctor", "--force").exit_code == 0
    changed = {path.name for path, text in before.items() if path.read_text() != text}
    assert changed == {"config.toml", "operator.key"}


def test_doctor_has_the_last_word_and_does_not_see_the_applications_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDERA_NETWORK", "devnet")
    monkeypatch.setenv("MIRROR_NODE", "http://127.0.0.1:1")
    monkeypatch.setenv("HCS_BRIDGE_NETWORK__NODES", '[{"account": "0.0.3", "address": "127.0.0.1:1"}]')
    monkeypatch.setenv("HCS_BRIDGE_DOCTOR__TIMEOUT_S", "2")
    done = init()
    assert done.exit_code == 1
    assert "failed   mirror http://127.0.0.1:1" in done.output
    assert re.search(r"HTTP door: .*127\.0\.0\.1:8780", done.output)  # free, or somebody's
    assert "4000" not in done.output


def test_a_copy_of_the_preset_gives_its_name_and_its_events(tmp_path: Path) -> None:
    copy = tmp_path / "my.toml"
    copy.write_text(PRESET.read_text().replace('name = "hashbuzz"', 'name = "quest"').replace("CAMPAIGN_LOG", "LOGGED"))
    assert init("--no-doctor", "--config", "other/config.toml", preset=str(copy)).exit_code == 0
    config = load(Path("other/config.toml"), {})
    assert [source.name for source in config.ingest.postgres] == ["quest"]
    assert config.ingest.postgres[0].url == "other/keys/quest.url"
    assert [each.name for each in config.events.declared] == ["LOGGED"]


def test_values_as_toml_has_them() -> None:
    assert toml([{"a": 'ä"\\', "b": [True, 2]}]) == '[{ a = "ä\\"\\\\", b = [true, 2] }]'
