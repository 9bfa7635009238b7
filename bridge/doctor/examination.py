"""The whole examination: every check, on mirrors and nodes that are asked but never given anything to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from bridge.config import Config
from bridge.doctor import account, contents, files, mirrors, nodes, outside, payer, ports, storage
from bridge.doctor.findings import Check, Finding, examine
from bridge.doctor.ground import Ground
from bridge.room_settings import section_as
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings

ATTEMPTS = 2


async def examined(config: Config, *, now_ns: Callable[[], int] = time.time_ns) -> list[Finding]:
    """All findings, in a fixed order, after `doctor.timeout_s` at most. Costs nothing, changes nothing."""
    async with AsyncExitStack() as stack:
        ground = Ground(config, [], now_ns)
        settings = section_as(
            MirrorSettings, config.mirror, request_timeout_s=ground.request_timeout_s, max_attempts=ATTEMPTS
        )
        found = [Mirror(url, settings) for url in config.mirror.urls]
        for mirror in found:
            stack.push_async_callback(mirror.close)
        return await examine(checks(Ground(config, found, now_ns)), timeout_s=config.doctor.timeout_s)


def checks(ground: Ground) -> list[Check]:
    """Every check, in the order in which an operator reads."""
    config = ground.config
    issuers = [(index, each) for index, each in enumerate(config.tokens.issuers) if each.keys_url]
    return [
        Check("key files", partial(files.keys, ground)),
        Check("operator account", partial(account.account, ground)),
        Check("payer of our own", partial(payer.payer, ground)),
        *(Check(f"mirror {each.url}", partial(mirrors.mirror, ground, each)) for each in ground.mirrors),
        Check("nodes", partial(nodes.nodes, ground)),
        Check("database", partial(storage.storage, ground)),
        Check("contents of the database", partial(contents.contents, ground)),
        *(
            Check(f"{outside.APPLICATION} {each.name}", partial(outside.application, ground, index))
            for index, each in enumerate(config.ingest.postgres)
        ),
        *(
            Check(f"{outside.STREAM} {each.name}", partial(outside.stream, ground, index))
            for index, each in enumerate(config.ingest.redis)
        ),
        *(Check(f"{outside.KEYS} {each.name}", partial(outside.keys, ground, index)) for index, each in issuers),
        *([Check(outside.BUS, partial(outside.bus, ground))] if config.bus.url else []),
        Check("ports", partial(ports.ports, ground)),
    ]
