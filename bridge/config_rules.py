"""The rules that configured values keep, as types: each says in one line what it wants to see."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf

from topics.values import AccountId


def _web_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL like http://127.0.0.1:5551")
    return text.rstrip("/")


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^/\s*]+", text):
        raise ValueError("must be an origin like https://app.example.com, without a path")
    return text


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ValueError("must be a network like 10.0.0.0/8, or one address") from error


def _keys_url(text: str) -> str:
    parts = urlsplit(text)
    if not text:
        return text
    if (
        parts.scheme not in {"http", "https", "redis", "rediss"}
        or not parts.hostname
        or parts.username
        or parts.password
    ):
        raise ValueError("must be a URL without a password, like https://api.example.com/.well-known/jwks.json")
    if parts.scheme.startswith("redis") and len(parse_qs(parts.query).get("key", [])) != 1:
        raise ValueError("must name the string that holds the keys, like redis://127.0.0.1:6379/0?key=authKeyStore")
    return text


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError("must be host:port, like 127.0.0.1:50211")
    return text


def database_url(text: str) -> str:
    """Raises ValueError, which doesn't show it: a password may stand in it."""
    if not re.match(r"sqlite:///.|postgres(ql)?://[^/]*/[^/?]", text):
        raise ValueError("must be sqlite:/// and a file, or like postgresql://user@host:5432/database")
    return text


def _bus_url(text: str) -> str:
    """Raises ValueError, which doesn't show it: a password may stand in it."""
    parts = urlsplit(text)
    places = parts.netloc.rpartition("@")[2].split(",")
    one, several = ("redis", "rediss"), ("redis+sentinel", "rediss+sentinel")
    if parts.scheme in one and len(places) == 1 and re.fullmatch(r"(/\d*)?", parts.path) and not parts.query:
        _address(places[0])
    elif parts.scheme in several and re.fullmatch(r"/[^/]+(/\d+)?", parts.path):
        for place in places:
            _address(place)
        if set(parse_qs(parts.query)) - {"sentinel_password"}:
            raise ValueError("may have ?sentinel_password= behind it, and nothing else")
    elif text:
        raise ValueError("must be like redis://host:6379, rediss://… or redis+sentinel://host:26379,host:26379/service")
    return text


def _intake_url(text: str) -> str:
    if not re.fullmatch(r"postgres(ql)?://.+|[^:@]+", text):
        raise ValueError("must be a URL like postgresql://user@host:5432/database, or the file that holds one")
    return text


def _stream_url(text: str) -> str:
    if "://" in text:
        return _bus_url(text)
    if not re.fullmatch(r"[^:@]+", text):
        raise ValueError("must be a URL like redis://host:6379, or the file that holds one")
    return text


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _account(value: object) -> object:
    return AccountId.parse(value) if isinstance(value, str) else value


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=_Named)


def distinct_names(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The entries of a list of tables, if no two have the same name."""
    names = [entry.name for entry in entries]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"names must differ; given twice: {', '.join(sorted(twice))}")
    return entries


Account = Annotated[InstanceOf[AccountId], BeforeValidator(_account)]
Address = Annotated[str, AfterValidator(_address)]
Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Budget = Annotated[float, Field(ge=0, allow_inf_nan=False)]
BusUrl = Annotated[str, AfterValidator(_bus_url)]
CookieName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,64}$")]
Count = Annotated[int, Field(ge=1)]
DatabaseUrl = Annotated[str, AfterValidator(database_url)]
EventName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}(\.[A-Za-z][A-Za-z0-9_]{0,63})?$")]
IntakeUrl = Annotated[str, AfterValidator(_intake_url)]
IpNetwork = Annotated[str, AfterValidator(_network)]
KeysUrl = Annotated[str, AfterValidator(_keys_url)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
OptionalPath = Annotated[Path | None, BeforeValidator(_empty_is_none)]
Origin = Annotated[str, AfterValidator(_origin)]
Port = Annotated[int, Field(ge=0, le=65_535)]
StreamUrl = Annotated[str, AfterValidator(_stream_url)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
OptionalWebUrl = Annotated[str, AfterValidator(lambda url: url and _web_url(url))]


class Section(BaseModel):
    """What all sections share: they don't change, and refuse keys that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")
