"""The daemon against its own OpenAPI document: generated requests, good and bad, and every answer as it says."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, CheckFunction, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.integration.world import World, world

FINER_THAN_A_SCHEMA = {"/v1/events", "/v1/send", "/v1/tickets", "/v1/refresh", "/v1/keys/rewrap", "/v1/keys/shred"}
"""Which payload an event has, whether a token is good, a time near, a file there: a right form may still be refused."""


def examine(url: str, key: str, *, examples: int) -> None:
    """Every operation with requests that the document allows, and with others. Raises with all that is wrong."""
    headers = {"Authorization": f"Bearer {key}"}
    for found in schemathesis.openapi.from_url(f"{url}/v1/openapi.json").get_all_operations():
        assert isinstance(found, Ok), found
        for mode in GenerationMode:
            check(found.ok(), mode, url, headers, examples=examples)


def check(operation: Any, mode: GenerationMode, url: str, headers: dict[str, str], *, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,  # the same requests each time, so that who changes nothing here sees no new ones fail
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Case[Any]) -> None:
        excluded: list[CheckFunction] = [positive_data_acceptance] if operation.path in FINER_THAN_A_SCHEMA else []
        if operation.method == "get":  # parameters that nobody knows are left alone there, as everywhere
            excluded.append(negative_data_rejection)
        case.call_and_validate(base_url=url, headers=headers, excluded_checks=excluded)

    with contextlib.suppress(Unsatisfiable):  # where nothing is asked for, nothing can be wrong about it
        each()


async def run(made: World, *, examples: int) -> None:
    await made.start()
    key = (made.folder / "api.key").read_text().splitlines()[1]
    await asyncio.to_thread(examine, made.http, key, examples=examples)
    assert await made.stop() == 0


async def test_the_door_is_as_documented(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await run(made, examples=3)


@pytest.mark.long
async def test_the_door_is_as_documented_at_length(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await run(made, examples=500)
