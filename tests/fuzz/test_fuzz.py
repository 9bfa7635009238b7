"""Whatever strangers send: the errors that are named and no other, and nothing that grows."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutants import mutants
from tests.fuzz.targets import TARGETS, Target

INPUTS, SHORT = 1_100_000, 11_000
GROWN_KB = 8_192


def resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def tried(target: Target, count: int, *, seed: int) -> int:
    """Take so many, and say what it was when one breaks it."""
    for data in mutants(target.seeds, count, seed=seed):
        try:
            target.take(data)
        except Exception as error:
            error.add_note(f"the input was {data!r}")
            raise
    return count


def of_all(inputs: int, target: Target) -> int:
    return inputs * target.share // sum(each.share for each in TARGETS.values())


@pytest.mark.parametrize("name", TARGETS)
def test_mutants(name: str) -> None:
    tried(TARGETS[name], of_all(SHORT, TARGETS[name]), seed=0)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_taken(name: str) -> None:
    for data in TARGETS[name].seeds:
        TARGETS[name].take(data)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.sampled_from(sorted(TARGETS)),
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode(errors="replace")),
)
def test_any_bytes(name: str, data: bytes) -> None:
    TARGETS[name].take(data)


@pytest.mark.long
def test_a_million_mutants(capsys: pytest.CaptureFixture[str]) -> None:
    report, seed = list[str](), int(os.environ.get("FUZZ_SEED", "1"))
    for name, target in TARGETS.items():
        count = of_all(INPUTS, target)
        tried(target, count // 10, seed=seed)  # caches are warm now
        before_kb, began_s, cpu_s = resident_kb(), time.monotonic(), time.process_time()
        tried(target, count, seed=seed + 1)
        grown_kb, cpu_s = resident_kb() - before_kb, time.process_time() - cpu_s
        report.append(
            f"{name}: {count} inputs in {time.monotonic() - began_s:.1f} s, {cpu_s:.1f} s of CPU, {grown_kb} kB more"
        )
        assert grown_kb < GROWN_KB, report[-1]
    with capsys.disabled():
        print("\n" + "\n".join(report))  # noqa: T201 - figures to read
