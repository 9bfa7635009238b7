"""What else the bridge leans on, where it is configured: applications' databases and streams, key sets, and the bus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridge.config_sections import WatchedTable
from bridge.doctor.findings import Finding, failed, ok, warning
from bridge.doctor.ground import Ground
from bridge.errors import Unavailable
from bridge.gateway.tokens.fetching import ABSENT, fetch_keys
from bridge.gateway.tokens.keys import read_keys
from bridge.intake.rules import qualified
from bridge.room_settings import source_settings, stream_settings, token_settings

if TYPE_CHECKING:
    from bridge.intake.postgres import Examined

APPLICATION, STREAM, KEYS, BUS = "application", "stream", "keys of", "bus"
INSTALL = "`hcs-bridge preset … sql | psql` installs the triggers"


async def application(ground: Ground, index: int) -> Sequence[Finding]:
    """A line about one of `ingest.postgres`: its outbox, our rights in it, and whether triggers fill it."""
    source = source_settings(ground.config)[index]
    name = f"{APPLICATION} {source.name}"
    try:
        from bridge.intake import postgres  # noqa: PLC0415 # psycopg need not be installed
    except ImportError:
        return [failed(name, "psycopg isn't installed", "pip install 'hcs-bridge[postgresql]'")]
    postgres.check_url(source.url, key=f"ingest.postgres.{index}.url")
    async with postgres.opened(source) as session:
        found = await session.examined()
    if not found.may:
        return [failed(name, "no right to delete rows, or to refuse them", postgres.HINTS["42501"])]
    return [outbox(name, found, ground.config.ingest.postgres[index].tables)]


def outbox(name: str, found: Examined, rules: Sequence[WatchedTable]) -> Finding:
    """What may be read and written there, as it is. Without rules in the configuration, any triggers will do."""
    text = (
        f"{found.waiting} rows wait, {found.refused} are refused; triggers on {', '.join(found.watched) or 'no table'}"
    )
    if missing := sorted({qualified(rule.table) for rule in rules} - {*found.watched}):
        return failed(name, f"{text}, and not on {', '.join(missing)}", INSTALL)
    if found.refused:
        hint = "mend these rows and set refused to null, or delete them: SELECT * FROM hcs_bridge.outbox"
        return warning(name, f"{text}. The last refusal: {found.why}", hint)
    if not found.watched:
        return warning(name, text, f"{INSTALL}; if the application writes the rows itself, all is well")
    return ok(name, text)


async def stream(ground: Ground, index: int) -> Sequence[Finding]:
    """A line about one of `ingest.redis`: whether the stream is there, and what of it waits or was refused."""
    own = stream_settings(ground.config)[index]
    name = f"{STREAM} {own.name}"
    try:
        from bridge.intake.stream import opened  # noqa: PLC0415 # its library is an extra
    except ImportError as error:
        return [failed(name, str(error), "pip install 'hcs-bridge[redis]'")]
    async with opened(own) as session:
        found = await session.examined()
    if not found.there:
        hint = "if the application has written to it, mend `stream`"
        return [warning(name, f"there is no stream {own.stream!r} yet", hint)]
    text = f"{'some' if found.waiting is None else found.waiting} entries wait, {found.refused} refused ones are kept"
    if found.refused:
        hint = f"each has why: XREVRANGE {own.stream}:{own.group}:refused + - COUNT 1; what is done with, XDEL or DEL"
        return [warning(name, text, hint)]
    return [ok(name, text)]


async def keys(ground: Ground, index: int) -> Sequence[Finding]:
    """A line about one of `tokens.issuers` that keeps its keys at a URL: whether there are any that fit."""
    settings = token_settings(ground.config)
    issuer = settings.issuers[index]
    name, limit = f"{KEYS} {issuer.name}", settings.keys_max_bytes
    hint = f"see tokens.issuers.{index}: keys_url, algorithm, and for Redis the password in key_file"
    timeout_s = ground.request_timeout_s
    try:
        text = await fetch_keys(issuer.keys_url, password=issuer.password, timeout_s=timeout_s, max_bytes=limit)
        found = read_keys(text, issuer.algorithm)
    except Unavailable as error:
        if error.reason == ABSENT:
            return [warning(name, ABSENT, f"no token is taken until the application has written it; if it has, {hint}")]
        return [failed(name, error.reason, hint)]
    except ValueError as error:
        return [failed(name, f"the key set {error}", hint)]
    return [ok(name, f"{len(found)} for {issuer.algorithm}")]


async def bus(ground: Ground) -> Sequence[Finding]:
    """A line: whether what is said over it comes back."""
    try:
        from bridge.bus.redis import sound  # noqa: PLC0415 # its library is an extra
    except ImportError as error:
        return [failed(BUS, str(error), "pip install 'hcs-bridge[redis]'")]
    took_s = await sound(ground.config.bus, network=ground.config.network.name)
    return [ok(BUS, f"what is said comes back, after {took_s * 1000:.0f} ms")]
