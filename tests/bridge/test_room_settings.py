"""Every room gets all that it asks for from the configuration, and nothing quietly keeps a default of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from bridge.config import Config
from bridge.config_sections import ApiKey as ApiKeySection
from bridge.config_sections import Budgets, Gateway, Http, Ingest, Issuer, PostgresSource, Tokens
from bridge.errors import ConfigInvalid
from bridge.gateway.settings import ApiKey, GatewaySettings, HttpSettings, TokenSettings
from bridge.intake.settings import SourceSettings
from bridge.key_files import key_files
from bridge.protocol.door.changes import Limits
from bridge.room_settings import (
    authenticator,
    budgets_of,
    gateway_settings,
    http_settings,
    section_as,
    source_settings,
    token_settings,
)
from tests.integration.world import world
from topics.ledger.settings import LedgerSettings
from topics.mirror.settings import MirrorSettings

CONFIG = Config()


@pytest.mark.parametrize(
    ("kind", "sections", "given"),
    [
        (GatewaySettings, [CONFIG.gateway], {"plain_socket_key"}),
        (HttpSettings, [CONFIG.http, CONFIG.events], set()),
        (ApiKey, [CONFIG.http.api_keys[0]], {"secret"}),
        (SourceSettings, [CONFIG.events, PostgresSource(name="shop", url="postgresql://h/d")], set()),
        (TokenSettings, [CONFIG.tokens], set()),
        (LedgerSettings, [CONFIG.ledger], set()),
        (MirrorSettings, [CONFIG.mirror], set()),
        (Limits, [CONFIG.events], {"max_id_chars"}),
    ],
)
def test_every_setting_of_a_room_is_a_key_of_the_configuration(
    kind: type, sections: list[object], given: set[str]
) -> None:
    asked = {field.name for field in fields(kind)} - given
    assert asked <= {name for section in sections for name in type(section).model_fields}  # type: ignore[attr-defined]


def test_what_is_given_goes_before_the_section() -> None:
    settings = section_as(MirrorSettings, CONFIG.mirror, max_attempts=77)
    assert settings.max_attempts == 77
    assert settings.request_timeout_s == CONFIG.mirror.request_timeout_s


async def test_api_keys_are_read_from_their_files(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        [key] = http_settings(made.config).api_keys
    assert key.secret == (tmp_path / "api.key").read_text().splitlines()[1]
    assert key.secret not in repr(made.config)


def test_a_key_that_does_not_fit_its_algorithm_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token.pem"
    path.write_text("a text that is long enough for a secret, and no RSA key")
    path.chmod(0o600)
    issuer = Issuer(name="x", algorithm="RS256", key_file=path)
    with pytest.raises(ConfigInvalid, match="RS256"):
        authenticator(CONFIG.model_copy(update={"tokens": Tokens(issuers=(issuer,))}))


def test_with_a_url_the_file_is_its_password(tmp_path: Path) -> None:
    path = tmp_path / "redis.password"
    path.write_text("open sesame\n")
    path.chmod(0o600)
    place = {"issuer": "i", "keys_url": "redis://127.0.0.1/0?key=k", "algorithm": "RS256"}
    issuers = (Issuer(name="a", key_file=path, **place), Issuer(name="b", **place))  # type: ignore[arg-type] # names
    first, second = token_settings(CONFIG.model_copy(update={"tokens": Tokens(issuers=issuers)})).issuers
    assert (first.password, first.keys, second.password) == ("open sesame", {}, "")
    assert "sesame" not in repr(first)
    path.chmod(0o644)
    with pytest.raises(ConfigInvalid, match="open to others"):
        token_settings(CONFIG.model_copy(update={"tokens": Tokens(issuers=issuers)}))


def test_the_plain_sockets_key_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "plain.key"
    path.write_text("# a comment\n" + "0f" * 32 + "\n")
    path.chmod(0o600)
    config = CONFIG.model_copy(update={"gateway": Gateway(plain_socket_key_file=path)})
    settings = gateway_settings(config)
    assert settings.plain_socket_key == b"\x0f" * 32
    assert "0f0f" not in repr(settings)
    assert ("gateway.plain_socket_key_file", path, True) in key_files(config)
    assert gateway_settings(CONFIG).plain_socket_key == b""
    path.write_text("0f" * 31)
    with pytest.raises(ConfigInvalid, match="64 hexadecimal digits"):
        gateway_settings(config)


def test_a_sources_url_stands_in_the_configuration_or_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "shop.url"
    path.write_text("postgresql://bob:open-sesame@h/d\n")
    path.chmod(0o600)
    sources = (PostgresSource(name="a", url=str(path)), PostgresSource(name="b", url="postgresql://h/d", max_batch=7))
    first, second = source_settings(CONFIG.model_copy(update={"ingest": Ingest(postgres=sources)}))
    assert first.url == "postgresql://bob:open-sesame@h/d"
    assert "sesame" not in repr(first)
    assert (second.name, second.url, second.max_batch) == ("b", "postgresql://h/d", 7)
    assert source_settings(CONFIG) == []
    path.chmod(0o644)
    with pytest.raises(ConfigInvalid, match=r"ingest\.postgres\.0\.url.*open to others"):
        source_settings(CONFIG.model_copy(update={"ingest": Ingest(postgres=sources)}))


def test_budgets_are_in_tinybar() -> None:
    keys = (ApiKeySection(name="a", key_file=Path("a"), budget_hbar=0.5), ApiKeySection(name="b", key_file=Path("b")))
    config = CONFIG.model_copy(
        update={"budgets": Budgets(campaign_hbar=1.5, day_hbar=0.00000001), "http": Http(api_keys=keys)}
    )
    found = budgets_of(config)
    assert (found.campaign, found.day, found.keys) == (150_000_000, 1, {"a": 50_000_000, "b": 0})
    assert not budgets_of(CONFIG)


def test_what_lies_in_redis_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else does: SQLite and keys in files want neither PostgreSQL's nor Redis's."""
    issuer = Issuer(name="app", issuer="app", keys_url="redis://127.0.0.1:6379/0?key=authKeyStore", algorithm="RS256")
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigInvalid, match=r"hcs-bridge\[redis\]"):
        authenticator(CONFIG.model_copy(update={"tokens": Tokens(issuers=(issuer,))}))
    loaded = "import sys, bridge.app, bridge.cli; print(*{'redis', 'psycopg', 'opentelemetry'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True).stdout == b"\n"
