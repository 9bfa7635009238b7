"""The configuration: the shipped file, the environment, and what is said about mistakes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bridge.config import ALIASES, ENVIRONMENT_ONLY, Config, load
from bridge.errors import ConfigInvalid, ConfigProblem
from topics.values import AccountId

SHIPPED = Path(__file__).parents[2] / "config.toml"


def keys_of_model(model: BaseModel, prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, value in model:
        key = f"{prefix}{name}"
        keys |= keys_of_model(value, key + ".") if isinstance(value, BaseModel) else {key}
    return keys


def keys_of_table(table: Mapping[str, Any], prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, value in table.items():
        key = f"{prefix}{name}"
        keys |= keys_of_table(value, key + ".") if isinstance(value, dict) else {key}
    return keys


def problems(path: Path | None, environ: Mapping[str, str]) -> dict[str, ConfigProblem]:
    with pytest.raises(ConfigInvalid) as caught:
        load(path, environ)
    return {problem.key: problem for problem in caught.value.problems}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_the_shipped_file_names_every_key_once_with_its_default() -> None:
    table = tomllib.loads(SHIPPED.read_text())
    assert keys_of_table(table) == keys_of_model(Config()) - ENVIRONMENT_ONLY
    assert load(SHIPPED, {}) == Config()
    for section, name, model in (
        ("http", "api_keys", Config().http.api_keys),
        ("tokens", "issuers", Config().tokens.issuers),
    ):
        assert [set(entry) for entry in table[section][name]] == [set(type(entry).model_fields) for entry in model]


def test_every_key_in_the_shipped_file_says_what_it_is_for() -> None:
    lines = SHIPPED.read_text().splitlines()
    silent = [line for line in lines if re.match(r"\w+ = ", line) and "#" not in line]
    assert silent == []


def test_three_mistakes_are_named_at_once_with_file_key_value_and_rule(tmp_path: Path) -> None:
    path = written(tmp_path, '[http]\nport = 99999\n[mirror]\nurls = ["ftp://x"]\n[log]\nlevel = "loud"\n')
    with pytest.raises(ConfigInvalid) as caught:
        load(path, {})
    text = str(caught.value)
    assert text.count(str(path)) == 3
    for fragment in (
        "http.port = 99999: should be less than or equal to 65535",
        "mirror.urls.0 = 'ftp://x': must be a URL",
        "log.level = 'loud': should be 'debug', 'info', 'warning' or 'error'",
    ):
        assert fragment in text


@pytest.mark.parametrize(
    ("text", "key", "suggestion"),
    [
        ("[http]\nprot = 1\n", "http.prot", "did you mean http.port?"),
        ("[gatewya]\nport = 1\n", "gatewya", "did you mean gateway?"),
        (
            '[[tokens.issuers]]\nname = "a"\nalgoritm = "HS256"\n',
            "tokens.issuers.0.algoritm",
            "tokens.issuers.0.algorithm?",
        ),
        ("[http]\nzzzzzz = 1\n", "http.zzzzzz", "no such key"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(
    tmp_path: Path, text: str, key: str, suggestion: str
) -> None:
    assert problems(written(tmp_path, text), {})[key].rule.endswith(suggestion)


def test_a_list_or_table_is_asked_for_in_the_files_words(tmp_path: Path) -> None:
    listed = problems(written(tmp_path, "[network]\nnodes = { a = 1 }\n"), {})
    assert listed["network.nodes"].rule == "should be a list: [ … ]"
    tabled = problems(written(tmp_path, '[network]\nnodes = ["0.0.3"]\n'), {})
    assert tabled["network.nodes.0"].rule == "should be a table: { name = value, … }"


def test_the_environment_goes_before_the_file_and_is_named_in_problems(tmp_path: Path) -> None:
    path = written(tmp_path, "[http]\nport = 1\nhost = '::1'\n")
    config = load(path, {"HCS_BRIDGE_HTTP__PORT": "2"})
    assert (config.http.port, config.http.host) == (2, "::1")
    problem = problems(path, {"HCS_BRIDGE_HTTP__PORT": "x"})["http.port"]
    assert problem.source == "environment HCS_BRIDGE_HTTP__PORT"
    assert problem.value == "'x'"


def test_unknown_variables_of_ours_are_refused_and_others_ignored() -> None:
    found = problems(
        None, {"HCS_BRIDGE_HTPP__PORT": "1", "HCS_BRIDGE_HTTP__PROT": "1", "HCS_BRIDGE_CONFIG": "x", "HOME": "/"}
    )
    assert set(found) == {"HCS_BRIDGE_HTPP__PORT", "http.prot"}
    assert "did you mean http.port?" in found["HCS_BRIDGE_HTPP__PORT"].rule


def test_lists_come_as_words_between_commas_or_as_json() -> None:
    words = load(None, {"HCS_BRIDGE_MIRROR__URLS": "http://a/, http://b"}).mirror.urls
    assert words == ("http://a", "http://b")
    issuers = '[{"name": "x", "algorithm": "RS256", "key_file": "k.pem", "issuer": "i"}]'
    assert load(None, {"HCS_BRIDGE_TOKENS__ISSUERS": issuers}).tokens.issuers[0].issuer == "i"


def test_the_names_that_hashbuzz_has_are_aliases_below_our_own() -> None:
    environ = {
        "HEDERA_NETWORK": "testnet",
        "HEDERA_ACCOUNT_ID": "0.0.77",
        "HEDERA_PRIVATE_KEY": "ab" * 32,
        "MIRROR_NODE": "https://mirror.example",
        "DATABASE_URL": "sqlite:////srv/bridge.db",
        "PORT": "4000",
        "LOG_LEVEL": "debug",
        "WHITELISTED_DOMAINS": "https://a.example,https://b.example",
    }
    assert set(environ) == set(ALIASES)
    config = load(None, environ | {"HCS_BRIDGE_LOG__LEVEL": "error"})
    assert config.network.name == "testnet"
    assert config.operator.account == AccountId(0, 0, 77)
    assert config.operator.key is not None
    assert config.operator.key.get_secret_value() == "ab" * 32
    assert "ab" * 32 not in repr(config)
    assert config.mirror.urls == ("https://mirror.example",)
    assert config.database.url == "sqlite:////srv/bridge.db"
    assert (config.http.port, config.log.level) == (4000, "error")
    assert config.gateway.origins == ("https://a.example", "https://b.example")
    assert problems(None, {"PORT": "x"})["http.port"].source == "environment PORT"


def test_what_the_file_says_goes_before_another_programs_names_but_not_before_our_own(tmp_path: Path) -> None:
    text = '[http]\nport = 8780\n[operator]\naccount = "0.0.7"\nkey_file = "operator.key"\n'
    path = written(tmp_path, text + '[database]\nurl = "sqlite:///own.db"\n')
    environ = {
        "PORT": "4000",
        "DATABASE_URL": "postgresql://h/app",
        "HEDERA_PRIVATE_KEY": "ab" * 32,
        "LOG_LEVEL": "error",
    }
    config = load(path, environ | {"HEDERA_ACCOUNT_ID": "0.0.8"})
    assert (config.http.port, config.database.url) == (8780, "sqlite:///own.db")
    assert (str(config.operator.account), config.operator.key) == ("0.0.7", None)
    assert config.log.level == "error", "the file is silent about it"
    assert load(path, environ | {"HCS_BRIDGE_HTTP__PORT": "9000"}).http.port == 9000
    assert load(None, environ | {"HCS_BRIDGE_OPERATOR__KEY_FILE": "operator.key"}).operator.key is None


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    secret = "3030020100300706052b8104000a"
    text = f'[operator]\nkey = "{secret}"\nprivate_key = "{secret}"\n[database]\nurl = "mysql://u:{secret}@h"\n'
    with pytest.raises(ConfigInvalid) as caught:
        load(written(tmp_path, text), {})
    assert secret not in str(caught.value)
    assert {problem.key for problem in caught.value.problems} == {
        "operator.key",
        "operator.private_key",
        "database.url",
    }


@pytest.mark.parametrize(("content", "rule"), [(b"[http", "is not TOML"), (b"\xff\xfe", "is not TOML")])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    assert rule in problems(path, {})["file"].rule


def test_a_missing_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    assert "--config" in problems(tmp_path / "none.toml", {})["file"].rule
    assert "can't be read" in problems(tmp_path, {})["file"].rule


def test_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().http.port = 1


def test_a_credential_of_systemd_stands_for_its_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys]\nmaster_key_file = "credential:master.key"\n')
    config = load(file, {"CREDENTIALS_DIRECTORY": "/run/credentials/hcs-bridge.service"})
    assert config.keys.master_key_file == Path("/run/credentials/hcs-bridge.service/master.key")
    with pytest.raises(ConfigInvalid, match=r"keys\.master_key_file = credential:master\.key: \$CREDENTIALS_DIRECTORY"):
        load(file, {})
    file.write_text('[keys]\nmaster_key_file = "credential:../master.key"\n')
    with pytest.raises(ConfigInvalid, match="is no credential's name"):
        load(file, {"CREDENTIALS_DIRECTORY": "/run"})


def test_a_credential_stands_for_its_file_in_lists_of_tables(tmp_path: Path) -> None:
    api_key = '[[http.api_keys]]\nname = "backend"\nkey_file = "credential:{}"\nscopes = ["events:write"]\n'
    issuer = '[[tokens.issuers]]\nname = "own"\nalgorithm = "HS256"\nkey_file = "credential:token.key"\n'
    file = written(tmp_path, api_key.format("api.key") + issuer)
    config = load(file, {"CREDENTIALS_DIRECTORY": "/run/credentials"})
    assert [key.key_file for key in config.http.api_keys] == [Path("/run/credentials/api.key")]
    assert [each.key_file for each in config.tokens.issuers] == [Path("/run/credentials/token.key")]
    with pytest.raises(ConfigInvalid, match=r"http\.api_keys\.0\.key_file = credential:api\.key: \$CREDENTIALS_DIRECT"):
        load(file, {})
    file.write_text(api_key.format("api.key") + api_key.format("../api.key"))
    with pytest.raises(ConfigInvalid, match=r"http\.api_keys\.1\.key_file = .* is no credential's name"):
        load(file, {"CREDENTIALS_DIRECTORY": "/run"})
