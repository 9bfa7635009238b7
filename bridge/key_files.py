"""Reads secrets from files, and keeps the demo's keys away from real networks."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from bridge.config import Config
from bridge.config_sections.network import DEVNET_DIRECTORY
from bridge.errors import ConfigInvalid, ConfigProblem

DEMO_MARK = "# hcs-bridge demo key: devnet only"
MAX_KEY_FILE_BYTES = 65_536  # a key is small; this guards against a path to something else
OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
DEVNET_MAKES = "hcs-bridge devnet"
MAKERS = {
    "keys.master_key_file": "hcs-bridge keys init",
    "keys.signing_key_file": "hcs-bridge keys init",
    "keys.recovery_public_key_file": "hcs-bridge keys recovery-init",
}
API_KEY = re.compile(r"[!-~]{32,}")
"""16 random bytes in hex are this long; what has blanks, or isn't ASCII, goes into no header."""
CREDENTIALS = Path("/run/credentials")
"""Where systemd puts a service's; it lets the service's user read them by an ACL, whose mask looks like group bits."""


def read_secret(path: Path, *, key: str, private: bool = True) -> str:
    """The secret in the file at `path`, without comment lines (#) and surrounding white space.

    `key` is the dotted configuration key that named the file. `private` files must be closed to group and others.
    Raises ConfigInvalid that names key, path and what to do, never the content.
    """
    lines = (line for line in _read(path, key=key, private=private).splitlines() if not line.lstrip().startswith("#"))
    secret = "\n".join(lines).strip()
    if not secret:
        raise ConfigInvalid([ConfigProblem("key file", key, str(path), "holds no key, only comments or nothing")])
    return secret


def is_demo_key(text: str) -> bool:
    """Whether a key file's text, comments included, was made by the demo or the devnet."""
    return text.split("\n", 1)[0].strip() == DEMO_MARK


def key_files(config: Config) -> list[tuple[str, Path, bool]]:
    """Every key file that the configuration names: dotted key, path, whether it must be private."""
    files = [
        ("keys.master_key_file", config.keys.master_key_file, True),
        ("keys.signing_key_file", config.keys.signing_key_file, True),
    ]
    if config.operator.key is None:
        files.insert(0, ("operator.key_file", config.operator.key_file, True))
    if config.keys.recovery_public_key_file is not None:
        files.append(("keys.recovery_public_key_file", config.keys.recovery_public_key_file, False))
    for door, section in (("http", config.http), ("gateway", config.gateway)):
        if section.tls_certificate_file is not None and section.tls_key_file is not None:
            files.append((f"{door}.tls_certificate_file", section.tls_certificate_file, False))
            files.append((f"{door}.tls_key_file", section.tls_key_file, True))
    if config.gateway.plain_socket_key_file is not None:
        files.append(("gateway.plain_socket_key_file", config.gateway.plain_socket_key_file, True))
    databases, streams = enumerate(config.ingest.postgres), enumerate(config.ingest.redis)
    files += [(f"ingest.postgres.{index}.url", Path(each.url), True) for index, each in databases if each.url_is_file]
    files += [(f"ingest.redis.{index}.url", Path(each.url), True) for index, each in streams if each.url_is_file]
    for index, api_key in enumerate(config.http.api_keys):
        files.append((f"http.api_keys.{index}.key_file", api_key.key_file, True))
    for index, issuer in enumerate(config.tokens.issuers):
        if issuer.key_file is not None:
            files.append((f"tokens.issuers.{index}.key_file", issuer.key_file, issuer.key_is_secret))
    return files


def check_key_files(config: Config) -> None:
    """Read every key file once. Raises ConfigInvalid with all that is wrong with them, demo keys included."""
    problems: list[ConfigProblem] = []
    for key, path, private in key_files(config):
        try:
            read_secret(path, key=key, private=private)
        except ConfigInvalid as invalid:
            problems.extend(invalid.problems)
    problems.extend(_guessable(config))
    problems.extend(_demo_key_problems(config))
    if problems:
        raise ConfigInvalid(problems)


def fingerprints(config: Config) -> dict[str, bytes]:
    """By dotted key, what tells whether a key file holds another secret than before. Raises ConfigInvalid."""
    return {
        key: hashlib.sha256(read_secret(path, key=key, private=private).encode()).digest()
        for key, path, private in key_files(config)
    }


def _guessable(config: Config) -> Iterator[ConfigProblem]:
    """An HMAC secret shorter than the hash can be guessed off-line from one token (RFC 7518 §3.2), an API key at the
    door.
    """
    for index, issuer in enumerate(config.tokens.issuers):
        if issuer.key_file is None or not issuer.algorithm.startswith("HS"):
            continue
        key, least = f"tokens.issuers.{index}.key_file", int(issuer.algorithm[2:]) // 8
        secret = _secret(issuer.key_file, key)
        if secret is not None and len(secret) < least:
            rule = f"holds a secret of less than {least} characters, and {issuer.algorithm} wants that many"
            yield ConfigProblem("key file", key, str(issuer.key_file), rule)
    for index, api_key in enumerate(config.http.api_keys):
        key = f"http.api_keys.{index}.key_file"
        secret = _secret(api_key.key_file, key)
        if secret is not None and API_KEY.fullmatch(secret) is None:
            rule = "holds no API key of 32 or more ASCII characters without blanks; `openssl rand -hex 32` makes one"
            yield ConfigProblem("key file", key, str(api_key.key_file), rule)


def _secret(path: Path, key: str) -> str | None:
    """None where it can't be read, which is told already."""
    try:
        return read_secret(path, key=key)
    except ConfigInvalid:
        return None


def refuse_demo_keys(config: Config) -> None:
    """Raise ConfigInvalid if a key that the demo made would be used on any network but the devnet.

    Demo keys may lie in a build log or a shared folder; on a real network they would sign for money and secrets.
    """
    if problems := _demo_key_problems(config):
        raise ConfigInvalid(problems)


def _demo_key_problems(config: Config) -> list[ConfigProblem]:
    if config.network.name == "devnet":
        return []
    rule = f"is a demo key, for the devnet only, and network.name is {config.network.name!r}; put a key of your own"
    problems = []
    for key, path, private in key_files(config):
        try:
            text = _read(path, key=key, private=private)
        except ConfigInvalid:
            continue  # told by check_key_files
        if is_demo_key(text):
            problems.append(ConfigProblem("key file", key, str(path), rule))
    return problems


def _read(path: Path, *, key: str, private: bool) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ConfigInvalid([ConfigProblem("key file", key, str(path), "is a folder, no file")])
        closed_to = stat.S_IRWXO if path.is_relative_to(CREDENTIALS) else OPEN_TO_OTHERS
        if private and mode & closed_to:
            rule = f"is open to others (mode {stat.S_IMODE(mode):04o}): chmod 600 {path}"
            raise ConfigInvalid([ConfigProblem("key file", key, str(path), rule)])
        with path.open("rb") as file:
            content = file.read(MAX_KEY_FILE_BYTES + 1)
    except FileNotFoundError:
        maker = DEVNET_MAKES if path.is_relative_to(DEVNET_DIRECTORY) else MAKERS.get(key)
        rule = "does not exist" + (f"; `{maker}` makes it" if maker else "")
        raise ConfigInvalid([ConfigProblem("key file", key, str(path), rule)]) from None
    except OSError as error:
        raise ConfigInvalid([ConfigProblem("key file", key, str(path), f"can't be read: {error.strerror}")]) from error
    if len(content) > MAX_KEY_FILE_BYTES:
        raise ConfigInvalid([ConfigProblem("key file", key, str(path), "is too big to be a key file")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigInvalid([ConfigProblem("key file", key, str(path), "is not text")]) from None
