"""Hands each room its section as the settings that the room itself defines, secrets read from their files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from bridge.config import Config
from bridge.config_rules import Section
from bridge.config_sections import PostgresSource, RedisSource
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.gateway.auth import Authenticator
from bridge.gateway.settings import ApiKey, GatewaySettings, HttpSettings, Issuer, TokenSettings
from bridge.gateway.tokens.fetching import REDIS
from bridge.gateway.tokens.revocations import Revocations
from bridge.intake.settings import SourceSettings, StreamSettings
from bridge.key_files import read_secret
from bridge.publish.budgets import Budgets
from topics.fees import TINYBAR_PER_HBAR

S = TypeVar("S")

HEX_KEY = re.compile(r"[0-9A-Fa-f]{64}")


def section_as(kind: type[S], *sections: Section, **given: object) -> S:
    """The settings that `kind`, a dataclass, asks for: each field from `given`, or from a section that has its name.

    A field that neither has keeps its default.
    """
    values = {name: getattr(section, name) for section in sections for name in type(section).model_fields} | given
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type] # every settings class is a dataclass
    return kind(**{name: values[name] for name in names if name in values})


def http_settings(config: Config) -> HttpSettings:
    """The HTTP door's, with its API keys. Raises ConfigInvalid for a key file that can't be read."""
    keys = [
        section_as(
            ApiKey,
            key,
            secret=read_secret(key.key_file, key=f"http.api_keys.{index}.key_file"),
            scopes=frozenset(key.scopes),
        )
        for index, key in enumerate(config.http.api_keys)
    ]
    return section_as(HttpSettings, config.http, config.events, api_keys=tuple(keys))


def gateway_settings(config: Config) -> GatewaySettings:
    """The WebSocket door's, with the plain socket's key. Raises ConfigInvalid for a key file that holds none."""
    key, path = b"", config.gateway.plain_socket_key_file
    if path is not None:
        name = "gateway.plain_socket_key_file"
        text = read_secret(path, key=name)
        if HEX_KEY.fullmatch(text) is None:
            rule = "holds no key of 64 hexadecimal digits; `openssl rand -hex 32` makes one"
            raise ConfigInvalid([ConfigProblem("key file", name, str(path), rule)])
        key = bytes.fromhex(text)
    return section_as(GatewaySettings, config.gateway, plain_socket_key=key)


def source_settings(config: Config) -> list[SourceSettings]:
    """Those of each application's database. Raises ConfigInvalid."""
    return _with_urls(SourceSettings, "postgres", config.ingest.postgres, config)


def stream_settings(config: Config) -> list[StreamSettings]:
    """Those of each application's stream. Raises ConfigInvalid."""
    return _with_urls(StreamSettings, "redis", config.ingest.redis, config)


def _with_urls(kind: type[S], table: str, sources: Sequence[PostgresSource | RedisSource], config: Config) -> list[S]:
    """Each with its URL, read from a file where it names one."""
    found = []
    for index, source in enumerate(sources):
        url = source.url
        if source.url_is_file:
            url = read_secret(Path(url), key=f"ingest.{table}.{index}.url")
        found.append(section_as(kind, config.events, source, url=url))  # both have a max_batch
    return found


def budgets_of(config: Config) -> Budgets:
    """What may be spent, in tinybar."""
    return Budgets(
        campaign=round(config.budgets.campaign_hbar * TINYBAR_PER_HBAR),
        day=round(config.budgets.day_hbar * TINYBAR_PER_HBAR),
        keys={key.name: round(key.budget_hbar * TINYBAR_PER_HBAR) for key in config.http.api_keys},
    )


def token_settings(config: Config) -> TokenSettings:
    """How tokens are checked, with the keys of each issuer. Raises ConfigInvalid for a key file that can't be read."""
    issuers = []
    for index, issuer in enumerate(config.tokens.issuers):
        text = ""
        if issuer.key_file is not None:
            text = read_secret(issuer.key_file, key=f"tokens.issuers.{index}.key_file", private=issuer.key_is_secret)
        keys = {} if issuer.keys_url else {"": text.encode()}
        issuers.append(section_as(Issuer, issuer, keys=keys, password=text if issuer.keys_url else ""))
    return section_as(TokenSettings, config.tokens, issuers=tuple(issuers))


def authenticator(config: Config, revocations: Revocations | None = None) -> Authenticator:
    """What checks clients' tokens. Raises ConfigInvalid for a key that can't be read or doesn't fit its algorithm."""
    in_redis = any(urlsplit(issuer.keys_url).scheme in REDIS for issuer in config.tokens.issuers)
    if in_redis and find_spec("redis") is None:
        rule = "needs pip install 'hcs-bridge[redis]'"
        raise ConfigInvalid([ConfigProblem("configuration", "tokens.issuers.keys_url", "redis://…", rule)])
    with told_as_invalid():
        return Authenticator(token_settings(config), revocations)


@contextmanager
def told_as_invalid() -> Iterator[None]:
    """What an Authenticator says of its keys, as ConfigInvalid."""
    try:
        yield
    except ValueError as error:
        raise ConfigInvalid([ConfigProblem("key file", "tokens.issuers", "(not shown)", str(error))]) from error
