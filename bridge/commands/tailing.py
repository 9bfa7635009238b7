"""What `hcs-bridge tail` does around the stream: chooses the source and the token, and prints."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

from bridge import offline
from bridge.commands.addresses import gateway_url, trust
from bridge.commands.exits import USAGE, CommandFailed
from bridge.commands.lines import publication_line
from bridge.commands.tail import Since, Tail
from bridge.commands.token import mint
from bridge.config import Config
from bridge.protocol.channels import Channel

MINTED_S = 600
ANYBODY = "0"


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    channel: str
    token: str | None = None
    mirror: bool = False
    since: int | None = None
    epoch: str | None = None
    count: int | None = None
    url: str | None = None
    json: bool = False


async def run_tail(config: Config, request: Request) -> None:
    """Print publications until `count` of them, or for ever. Raises CommandFailed."""
    if request.mirror and request.since is not None:
        raise CommandFailed("--since is for the gateway; --mirror reads from the start", code=USAGE)
    try:
        Channel.parse(request.channel)
    except ValueError as error:
        raise CommandFailed(f"{request.channel!r}: {error}", code=USAGE) from error
    printed = 0
    async with aclosing(_source(config, request)) as publications:
        async for publication in publications:
            sys.stdout.write(_printed(publication, as_json=request.json) + "\n")
            sys.stdout.flush()
            printed += 1
            if printed == request.count:
                return


def _printed(publication: dict[str, Any], *, as_json: bool) -> str:
    if as_json:
        return json.dumps(publication, ensure_ascii=False)
    return publication_line(publication, arrived_ns=time.time_ns())


async def _source(config: Config, request: Request) -> AsyncGenerator[dict[str, Any]]:
    if request.mirror:
        async for publication in offline.tail(config, request.channel):
            yield publication
        return
    since = None if request.since is None or request.epoch is None else Since(request.since, request.epoch)
    tail = Tail(request.channel, since=since, notice=lambda text: print_notice(request.channel, text))
    token = request.token or partial(_minted, config, request.channel)
    url, known = request.url, None
    if not url:
        url, known = gateway_url(config), trust(config.gateway.tls_certificate_file)
    async with aclosing(tail.publications(url, token, trust=known)) as publications:
        async for publication in publications:
            yield publication


def _minted(config: Config, channel: str) -> str:
    """A development token that opens just this channel."""
    kind, _, name = channel.partition(":")
    user, campaigns = (name, []) if kind == "user" else (ANYBODY, [name])
    return mint(
        config, user, campaigns=campaigns, ttl_s=min(MINTED_S, config.tokens.max_lifetime_s), now_s=int(time.time())
    )


def print_notice(channel: str, text: str) -> None:
    """Beside the publications, so on stderr."""
    sys.stderr.write(f"{channel}: {text}\n")
