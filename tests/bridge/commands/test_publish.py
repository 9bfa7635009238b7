"""Publishing lines: in order, resumable, and never silent about what was refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.commands.door import Door
from bridge.commands.publish import BATCH_EVENTS, Publisher, RefusedLine, Summary, idempotency_key
from tests.bridge.commands.stand_ins import Answer, Request, ScriptedDoor, listening

LIMITS = {"max_events": 1000, "max_bytes": 1_048_576}


def lines(numbers: range) -> list[bytes]:
    return [json.dumps({"n": number}).encode() + b"\n" for number in numbers]


def sent(request: Request) -> list[int]:
    return [change["n"] for change in json.loads(request[1])]


def accepting(requests: list[Request]) -> Answer:
    return 202, {"ids": []}, {}


def refusing(bad: set[int], status: int = 422) -> ScriptedDoor:
    """A door that refuses whole batches with those numbers in them, as the real one does."""

    def answer(requests: list[Request]) -> Answer:
        found = [index for index, number in enumerate(sent(requests[-1])) if number in bad]
        problems = [{"index": index, "field": "payload.n", "rule": "is bad"} for index in found]
        return (status, {"error": {"message": "no", "problems": problems}}, {}) if found else (202, {"ids": []}, {})

    return ScriptedDoor(answer)


async def publish(door: ScriptedDoor, content: list[bytes], label: str = "") -> Summary:
    async with listening(door) as url, Door(url, "k", patience_s=0) as connection:
        return await Publisher(connection, label=label).publish(content, **LIMITS)


async def test_all_lines_go_in_order_and_in_batches() -> None:
    door = ScriptedDoor(accepting)
    summary = await publish(door, lines(range(BATCH_EVENTS * 2 + 5)))
    assert (summary.accepted, summary.refused) == (BATCH_EVENTS * 2 + 5, [])
    assert [len(sent(request)) for request in door.requests] == [BATCH_EVENTS, BATCH_EVENTS, 5]
    assert [number for request in door.requests for number in sent(request)] == list(range(BATCH_EVENTS * 2 + 5))


async def test_a_second_run_sends_the_same_bytes_under_the_same_keys() -> None:
    door = refusing({3, 250})
    await publish(door, lines(range(300)))
    first = [(headers["Idempotency-Key"], body) for headers, body in door.requests]
    door.requests.clear()
    await publish(door, lines(range(300)))
    assert [(headers["Idempotency-Key"], body) for headers, body in door.requests] == first
    door.requests.clear()
    await publish(door, lines(range(300)), label="again")
    again = [(headers["Idempotency-Key"], body) for headers, body in door.requests]
    assert [body for _, body in again] == [body for _, body in first]
    assert {key for key, _ in again} & {key for key, _ in first} == set()


@pytest.mark.parametrize("status", [422, 409, 404])  # what it says; a campaign that is closed, or that nobody knows
async def test_refused_lines_are_told_and_the_rest_goes_on(status: int) -> None:
    door = refusing({0, 7, 299}, status)
    summary = await publish(door, lines(range(300)))
    assert summary.accepted == 297
    assert summary.refused == [RefusedLine(n, ("payload.n: is bad",)) for n in (1, 8, 300)]


async def test_lines_that_are_not_json_are_refused_here_and_empty_ones_skipped() -> None:
    door = ScriptedDoor(accepting)
    summary = await publish(door, [b'{"n": 1}\n', b"\n", b"{oops\n", b"\xff\n", b'{"n": 2}'])
    assert summary.accepted == 2
    assert [line.number for line in summary.refused] == [3, 4]
    assert all("not JSON" in line.reasons[0] for line in summary.refused)


async def test_a_body_refused_as_a_whole_is_halved_until_the_line_is_found() -> None:
    def answer(requests: list[Request]) -> Answer:
        numbers = sent(requests[-1])
        if 5 in numbers or len(numbers) > 100:
            return 413, {"error": {"message": "too big"}}, {}
        return 202, {"ids": []}, {}

    door = ScriptedDoor(answer)
    summary = await publish(door, lines(range(150)))
    assert summary.accepted == 149
    assert summary.refused == [RefusedLine(6, ("413: too big",))]
    accepted = [sent(request) for request in door.requests if answer([request])[0] == 202]
    assert [number for numbers in accepted for number in numbers] == [n for n in range(150) if n != 5]


@given(
    st.tuples(st.text(), st.integers(1, 10**9), st.binary()), st.tuples(st.text(), st.integers(1, 10**9), st.binary())
)
def test_keys_differ_when_anything_differs(one: tuple[str, int, bytes], other: tuple[str, int, bytes]) -> None:
    assert (idempotency_key(*one) == idempotency_key(*other)) == (one == other)
