"""Loads the one configuration object from a TOML file and the environment, and tells every mistake at once."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bridge import config_sections as sections
from bridge.errors import ConfigInvalid, ConfigProblem

PREFIX = "HCS_BRIDGE_"
ALIASES = {  # the names that HashBuzz's deployment has already; the file goes before them, since some mean its own
    "HEDERA_NETWORK": "network.name",
    "HEDERA_ACCOUNT_ID": "operator.account",
    "HEDERA_PRIVATE_KEY": "operator.key",
    "MIRROR_NODE": "mirror.urls",
    "DATABASE_URL": "database.url",
    "PORT": "http.port",
    "LOG_LEVEL": "log.level",
    "WHITELISTED_DOMAINS": "gateway.origins",
}
ENVIRONMENT_ONLY = frozenset({"operator.key"})
HIDDEN = re.compile(r"(operator\.key|(database|bus|ingest\.\w+\.\d+)\.url)(\.|$)")  # may hold a key or a password
SECRET_WORDS = ("key", "secret", "password", "token", "seed", "mnemonic")
MAX_SHOWN = 80
IN_TOML = {"tuple_type": "should be a list: [ … ]", "model_type": "should be a table: { name = value, … }"}
"""What pydantic says in Python's words, by its types of error."""
CREDENTIAL = "credential:"


class Config(BaseSettings):
    """The whole configuration: checked, frozen. Each room gets its own section. `Config()` is all defaults."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__")

    network: sections.Network = sections.Network()
    operator: sections.Operator = sections.Operator()
    ledger: sections.Ledger = sections.Ledger()
    mirror: sections.Mirror = sections.Mirror()
    topics: sections.Topics = sections.Topics()
    publish: sections.Publish = sections.Publish()
    budgets: sections.Budgets = sections.Budgets()
    events: sections.Events = sections.Events()
    keys: sections.Keys = sections.Keys()
    database: sections.Database = sections.Database()
    lease: sections.Lease = sections.Lease()
    bus: sections.Bus = sections.Bus()
    daemon: sections.Daemon = sections.Daemon()
    http: sections.Http = sections.Http()
    ingest: sections.Ingest = sections.Ingest()
    gateway: sections.Gateway = sections.Gateway()
    tokens: sections.Tokens = sections.Tokens()
    relay: sections.Relay = sections.Relay()
    log: sections.Log = sections.Log()
    tracing: sections.Tracing = sections.Tracing()
    doctor: sections.Doctor = sections.Doctor()

    @model_validator(mode="before")
    @classmethod
    def _mirror_by_name(cls, given: dict[str, Any]) -> dict[str, Any]:
        return sections.with_mirror(given)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the caller hands over: `load` reads file and environment itself, and so knows what came whence."""
        return (init_settings,)


class _Environment(EnvSettingsSource):
    """HCS_BRIDGE_SECTION__KEY as nested values. Lists are JSON, or plain words between commas."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(Config)
        self.env_vars = {name.lower(): value for name, value in environ.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo | None, value: Any) -> Any:
        """A list out of one variable; what isn't JSON is a list of words, which validation judges."""
        if field is None or get_origin(field.annotation) is not tuple:
            return value  # an account id, say, is a dataclass to pydantic, but one word here
        try:
            return json.loads(value)
        except ValueError:
            return [word.strip() for word in str(value).split(",") if word.strip()]


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Read the file at `path` (None: defaults only) under the environment. Raises ConfigInvalid with every problem."""
    file = {} if path is None else _read_toml(path)
    own, names = _own_names(environ, file)
    problems = [*_unknown_sections(own), *_secrets_in_file(file, str(path))]
    given = _overlaid(file, _Environment(own)())
    try:
        config = Config(**_with_credentials(given, environ.get("CREDENTIALS_DIRECTORY"), problems))
    except ValidationError as invalid:
        problems.extend(_problem(error, str(path or "defaults"), names) for error in _innermost(invalid.errors()))
    if problems:
        raise ConfigInvalid(problems)
    return config


def variable(key: str) -> str:
    """The environment variable of a dotted key: `http.port` → `HCS_BRIDGE_HTTP__PORT`."""
    return PREFIX + key.replace(".", "__").upper()


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        rule = "does not exist; name another with --config or HCS_BRIDGE_CONFIG"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        rule = f"is not TOML: {str(error)[0].lower()}{str(error)[1:]}"
    except OSError as error:
        rule = f"can't be read: {error.strerror}"
    raise ConfigInvalid([ConfigProblem("configuration", "file", str(path), rule)])


def _own_names(environ: Mapping[str, str], file: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The variables that concern us under our own names, and for each dotted key the name it really came from."""
    own = {name: value for name, value in environ.items() if name.upper().startswith(PREFIX) and "__" in name}
    names = {_dotted(name): name for name in own}
    in_file = {f"{section}.{key}" for section, table in file.items() if isinstance(table, dict) for key in table}
    for alias, key in ALIASES.items():
        if environ.get(alias) and in_file.union(names).isdisjoint({key, f"{key}_file"}):
            own[variable(key)], names[key] = environ[alias], alias
    return own, names


def _dotted(name: str) -> str:
    return name.lower().removeprefix(PREFIX.lower()).replace("__", ".")


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`, table by table; lists are replaced whole."""
    result = dict(below)
    for key, value in above.items():
        beneath = result.get(key)
        if isinstance(beneath, dict) and isinstance(value, dict):
            result[key] = _overlaid(beneath, value)
        else:
            result[key] = value
    return result


def _with_credentials(
    given: Mapping[str, Any], directory: str | None, problems: list[ConfigProblem], above: str = ""
) -> dict[str, Any]:
    """`credential:NAME` as the file that systemd hands its service (systemd.exec(5), LoadCredential=)."""
    result = dict(given)
    for key, value in given.items():
        if isinstance(value, dict):
            result[key] = _with_credentials(value, directory, problems, f"{above}{key}.")
        elif isinstance(value, list):  # of tables, such as http.api_keys
            numbered = {str(number): item for number, item in enumerate(value)}
            result[key] = [*_with_credentials(numbered, directory, problems, f"{above}{key}.").values()]
        elif isinstance(value, str) and value.startswith(CREDENTIAL):
            name = value.removeprefix(CREDENTIAL)
            if directory is None:
                rule = "$CREDENTIALS_DIRECTORY is not set: systemd sets it for a service with LoadCredential="
                problems.append(ConfigProblem("configuration", above + key, value, rule))
            elif not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
                problems.append(ConfigProblem("configuration", above + key, value, "is no credential's name"))
            else:
                result[key] = str(Path(directory, name))
    return result


def _unknown_sections(own: Mapping[str, str]) -> Iterator[ConfigProblem]:
    for name in own:
        section, _, rest = _dotted(name).partition(".")
        if section not in Config.model_fields:
            yield ConfigProblem("environment", name, "…", _unknown(section, list(Config.model_fields), f"{{}}.{rest}"))


def _secrets_in_file(file: Mapping[str, Any], source: str) -> Iterator[ConfigProblem]:
    for key in sorted(ENVIRONMENT_ONLY):
        section, _, name = key.partition(".")
        table = file.get(section)
        if isinstance(table, dict) and name in table:
            rule = f"a secret doesn't belong here: put it in the file that {key}_file names, or in {variable(key)}"
            yield ConfigProblem(source, key, "(hidden)", rule)


def _innermost(errors: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Without those that only follow from one further in, such as a list too short for its bad items."""
    for error in errors:
        loc = error["loc"]
        if not any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in errors):
            yield error


def _problem(error: ErrorDetails, file: str, names: Mapping[str, str]) -> ConfigProblem:
    loc = error["loc"]
    key = ".".join(str(part) for part in loc)
    source = next((name for dotted, name in names.items() if key == dotted or key.startswith(dotted + ".")), None)
    if error["type"] == "extra_forbidden":
        siblings = _keys_beside(loc)
        rule = _unknown(str(loc[-1]), siblings, ".".join([*(str(part) for part in loc[:-1]), "{}"]))
    else:
        text = IN_TOML.get(error["type"]) or error["msg"].removeprefix("Value error, ").removeprefix("Input ")
        rule = text[0].lower() + text[1:]
    where = file if source is None else f"environment {source}"
    return ConfigProblem(where, key, _shown(key, error), rule)


def _shown(key: str, error: ErrorDetails) -> str:
    if isinstance(error["input"], dict):
        return "(missing)" if error["type"] == "missing" else "(table)"
    text, name = repr(error["input"]), key.rpartition(".")[2].lower()
    named_so = error["type"] == "extra_forbidden" and any(word in name for word in SECRET_WORDS)
    if HIDDEN.match(key) or named_so or re.search(r"://[^/\s]*:[^/\s]*@", text):  # the last: a URL with a password
        return "(hidden)"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _unknown(name: str, known: list[str], place: str) -> str:
    nearest = get_close_matches(name, known, n=1)
    return f"no such key; did you mean {place.format(nearest[0])}?" if nearest else "no such key"


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at `loc`'s parent has."""
    model: Any = Config
    for part in loc[:-1]:
        if part in model.model_fields:  # else it is a place in a list, or a name of the user's own
            model = _model_in(model.model_fields[part].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner)) is not None), None)
