"""What the doctor's tests share: the ground for checks on a world, and one finding out of several."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bridge.config import Config
from bridge.doctor.findings import Finding
from bridge.doctor.ground import Ground
from tests.topics.client import QUICK_MIRROR
from topics.mirror.rest import Mirror


@asynccontextmanager
async def ground_of(config: Config, *, now_ns: Callable[[], int] = time.time_ns) -> AsyncIterator[Ground]:
    """Checks stand on this."""
    mirrors = [Mirror(url, QUICK_MIRROR) for url in config.mirror.urls]
    try:
        yield Ground(config, mirrors, now_ns)
    finally:
        for mirror in mirrors:
            await mirror.close()


def changed(config: Config, section: str, **keys: Any) -> Config:
    """The configuration with other values in one section."""
    return config.model_copy(update={section: getattr(config, section).model_copy(update=keys)})


def of(findings: Sequence[Finding], name: str) -> Finding:
    """The one whose name begins so."""
    [found] = [finding for finding in findings if finding.name.startswith(name)]
    return found
