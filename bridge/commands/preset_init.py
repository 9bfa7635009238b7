"""`hcs-bridge preset hashbuzz init`: a config.toml out of the environment that the backend has already."""

# ruff: noqa: PLC0415 # as in the other verbs: what one needs is imported when it runs
from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import typer

from bridge.commands.exits import USAGE, CommandFailed

NEEDED = {
    "HEDERA_NETWORK": "mainnet, testnet or previewnet",
    "HEDERA_ACCOUNT_ID": "who pays",
    "HEDERA_PRIVATE_KEY": "the payer's key",
    "DATABASE_URL": "the application's PostgreSQL",
    "REDIS_URL": "the Redis with authKeyStore in it",
    "WHITELISTED_DOMAINS": "origins of its pages, between commas",
}
OTHERWISE = {"MIRROR_NODE": "the network's public mirror", "LOG_LEVEL": "info"}
OWN_KEYS = ("master.key", "signing.key", "api.key")

FILE = """\
# Made by `hcs-bridge preset {name} init`. A key that isn't here has its default, and no secret is.

[network]
name = {network}

[operator]
account = {account}
key_file = {operator_key}
key_kind = "ecdsa"  # what 64 bare hex digits are; DER says it itself

[mirror]
urls = {mirrors}

[keys]
master_key_file = {master_key}
signing_key_file = {signing_key}

[database]
url = "sqlite:///hcs-bridge.db"  # the bridge's own, not the application's: what is said here goes before DATABASE_URL

[http]
port = 8780  # and this before PORT

[[http.api_keys]]
name = "backend"
key_file = {api_key}

[gateway]
origins = {origins}
cookie = "access_token"
trusted_proxies = ["127.0.0.1/32"]  # nginx on this machine

[[tokens.issuers]]
name = {quoted_name}
issuer = "hashbuzz.social"
audience = "hashbuzz-frontend"
algorithm = "RS256"
keys_url = {keys_url}
key_file = {redis_password}  # Redis's password, if it has one

[events]
declared = {declared}

[[ingest.postgres]]
name = {quoted_name}
url = {source_url}

[log]
level = {log_level}
"""


def init(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="HCS_BRIDGE_CONFIG", help="The file to write; keys go beside it.")
    ] = Path("config.toml"),
    force: Annotated[
        bool, typer.Option("--force", help="Write over what is there, the bridge's own keys excepted.")
    ] = False,
    examine: Annotated[bool, typer.Option("--doctor/--no-doctor", help="Examine what was written.")] = True,
) -> None:
    """Write a config.toml out of HashBuzz's environment, its secrets into files of keys/, mode 600, and run doctor.

    Takes HEDERA_NETWORK, HEDERA_ACCOUNT_ID, HEDERA_PRIVATE_KEY, DATABASE_URL, REDIS_URL, WHITELISTED_DOMAINS, and
    where they are set MIRROR_NODE and LOG_LEVEL. The bridge's own keys are made where there are none.
    """
    made = write(config, context.obj, os.environ, force=force)
    typer.echo(f"made {', '.join(map(str, made))}")
    for name, instead in OTHERWISE.items():
        if not os.environ.get(name):
            typer.echo(f"{name} is not set: {instead}")
    typer.echo("keep copies of master.key and signing.key apart from those of the database")
    if examine:
        from bridge.commands.doctor import as_text, diagnose

        findings, code = diagnose(config, os.environ)
        typer.echo(as_text(findings))
        raise typer.Exit(code)


def write(path: Path, preset: Path, environ: Mapping[str, str], *, force: bool) -> list[Path]:
    """The file at `path` and what belongs into keys/ beside it: what was made.

    Raises CommandFailed, or ConfigInvalid for values of the environment, before any of it is.
    """
    from bridge.commands.keys_made import write_key
    from bridge.config import load

    if missing := [f"{name} ({what})" for name, what in NEEDED.items() if not environ.get(name)]:
        hint = "( set -a; . ./.env; hcs-bridge preset hashbuzz init ) takes them out of the application's .env"
        raise CommandFailed(f"not in the environment: {', '.join(missing)}", code=USAGE, hint=hint)
    checked = load(None, {name: environ.get(name, "") for name in {*NEEDED, *OTHERWISE} - {"DATABASE_URL"}})
    keys_url, password = key_store(environ["REDIS_URL"])
    name, declared = _of_preset(preset)
    folder = path.parent / "keys"
    given = {folder / "operator.key": environ["HEDERA_PRIVATE_KEY"], folder / f"{name}.url": environ["DATABASE_URL"]}
    if password:
        given[folder / "redis.password"] = password
    if not force and (there := [str(each) for each in (path, *given) if each.exists()]):
        hint = "--force writes anew what comes from the environment"
        raise CommandFailed(f"{' and '.join(there)}: there already", code=USAGE, hint=hint)
    values = {
        "network": checked.network.name,
        "account": str(checked.operator.account),
        "mirrors": checked.mirror.urls,
        "origins": checked.gateway.origins,
        "log_level": checked.log.level,
        "keys_url": keys_url,
        "declared": declared,
        "quoted_name": name,
        "operator_key": str(folder / "operator.key"),
        "source_url": str(folder / f"{name}.url"),
        "redis_password": str(folder / "redis.password") if password else "",
        **{each.replace(".", "_"): str(folder / each) for each in OWN_KEYS},
    }
    text = FILE.format(name=name, **{key: toml(value) for key, value in values.items()})
    for file, secret in given.items():
        file.unlink(missing_ok=True)
        write_key(file, secret)
    own = [folder / each for each in OWN_KEYS if write_key(folder / each)]
    path.write_text(text, encoding="utf-8")
    return [path, *given, *own]


def key_store(url: str) -> tuple[str, str]:
    """The `keys_url` of `authKeyStore` in that Redis, and its password, "" for none. Raises CommandFailed."""
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or parts.username not in {None, "", "default"}:
        hint = "redis://:password@host:6379/0, or rediss:// for TLS; Redis's default user is the one that is asked as"
        raise CommandFailed("REDIS_URL is of no kind that keys are fetched from", code=USAGE, hint=hint)
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path.rstrip('/') or '/0'}?key=authKeyStore", unquote(parts.password or "")


def _of_preset(path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The name of its database, and the events that it declares."""
    rules = tomllib.loads(path.read_text(encoding="utf-8"))
    return rules["ingest"]["postgres"][0]["name"], rules.get("events", {}).get("declared", [])


def toml(value: object) -> str:
    """A value as it stands behind the `=`."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
