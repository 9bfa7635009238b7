"""Whatever a mirror makes of a topic's answer: nothing false is relayed, and what can be found out is.

Found out: the topic halts, or another mirror is asked and shows the truth, or the message counts as unreadable.
docs/verification.md says the same in words.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.relay import progress
from bridge.relay.store import News
from bridge.relay.tail import Progress
from tests.bridge.relay.liar import Ground, LyingMirror, mirrors, reader, written
from tests.bridge.relay.lies import PLANS, Lie, Plan
from tests.footing import Terms, terms_at
from tests.rooms import Rooms
from topics.errors import MirrorsDisagree
from topics.mirror.cross_check import CrossCheck

Told = list[tuple[int, dict[str, Any]]]
PLACE = ("sequence", "consensusTimestamp", "runningHash")
"""What of a publication a mirror alone vouches for, where no receipt has come yet."""


@pytest.fixture
async def terms(tmp_path: Path) -> AsyncIterator[Terms]:
    async with terms_at(tmp_path, mirrors=2) as terms:
        yield terms


class Trial:
    """The ground, a mirror that will lie beside one that doesn't, and what an honest one brings of either campaign.

    Not a dataclass: told in whole, as hypothesis does, it would fill pages.
    """

    def __init__(self, ground: Ground, mirror: LyingMirror, truth: Told, other: Told) -> None:
        self.ground, self.mirror, self.truth, self.other = ground, mirror, truth, other


@pytest.fixture(params=[1, 2], ids=["alone", "beside another"])
async def trial(rooms: Rooms, request: pytest.FixtureRequest) -> AsyncIterator[Trial]:
    ground = await written(rooms)
    mirror = mirrors(ground, request.param)
    honest = reader(ground, mirror, None)
    await honest.read()
    yield Trial(ground, mirror, told(honest.news, "c1"), told(honest.news, "c2"))
    await mirror.close()


def told(news: list[News], ref: str) -> Told:
    found = [each.publication for each in news if each.channel == f"campaign:{ref}"]
    return [(each.offset, json.loads(each.data)) for each in found]


def said(told: Told) -> list[dict[str, Any]]:
    """What happened, without its place."""
    return [data | {"meta": {k: v for k, v in data["meta"].items() if k not in PLACE}} for _, data in told]


async def stands(ground: Ground) -> Progress:
    return await ground.rooms.database.read(lambda c: progress.of(c, ground.topic_id))


async def halted(ground: Ground) -> str | None:
    return await ground.rooms.database.read(lambda c: progress.halted(c, ground.topic_id))


def judged(ground: Ground, lie: Lie, got: Told, truth: Told) -> None:
    """Nothing false came out: the first events of the truth, each once, in order."""
    assert said(got) == said(truth)[: len(got)]
    for mine, true in zip(got, truth, strict=False):
        if not lie.careful or true[1]["meta"]["sequence"] <= ground.pinned:
            assert mine == true


def must_halt(ground: Ground, lie: Lie, batch: int) -> bool:
    """Whether the hashes, or a receipt, show it."""
    at = ground.first_false(lie.seen(batch, newest_ns=ground.truth[-1].consensus_ns))
    return bool(at) and (not lie.careful or at <= ground.pinned)


def whole_in(lie: Lie, ground: Ground, truth: Told) -> Told:
    """The events whose frames are shown with all their bytes, as far as none before them is missing."""
    shown, begin, found = {each.message for each in lie.shown}, 1, []
    for offset, data in truth:
        end = data["meta"]["sequence"]
        if not shown.issuperset(each.message for each in ground.truth[begin:end]):
            break
        found.append((offset, data))
        begin = end
    return found


async def one_mirror(trial: Trial, lie: Lie, batch: int) -> None:
    ground, truth = trial.ground, trial.truth
    alone = reader(ground, trial.mirror, lie, batch=batch)
    await alone.read()
    why, now, got = await halted(ground), await stands(ground), told(alone.news, "c1")
    event("halts" if why else "unreadable" if now.skipped else "as far as it goes")
    judged(ground, lie, got, truth)
    assert told(alone.news, "c2") == trial.other
    assert [offset for offset, _ in got] == await stored(ground, "c1")
    if must_halt(ground, lie, batch):
        assert why is not None
    elif (seen := lie.seen(batch, newest_ns=ground.truth[-1].consensus_ns)) == list(ground.truth[: len(seen)]):
        assert (why, now.skipped) == (None, 0)
        assert got == [each for each in truth if each[1]["meta"]["sequence"] <= len(seen)]
    elif not (why or now.skipped or now.resume.sequence < now.opened_sequence or "chunk" in lie.kinds):
        assert said(got) == said(whole_in(lie, ground, truth))  # numbers alone were false


async def stored(ground: Ground, ref: str) -> list[int]:
    rooms = ground.rooms
    found = await rooms.database.read(lambda c: rooms.store.read(c, f"campaign:{ref}", since=0, limit=1000))
    return [publication.offset for publication in found]


async def two_mirrors(trial: Trial, lie: Lie, batch: int) -> None:
    ground = trial.ground
    both = reader(ground, trial.mirror, lie, batch=batch)
    await both.read()
    got = told(both.news, "c1")
    judged(ground, lie, got, trial.truth)
    assert told(both.news, "c2") == trial.other
    check = CrossCheck(trial.mirror, share=1.0, max_unchecked=1000)
    for page in both.pages:
        check.sample(page)
    stored = [each for page in both.pages for each in page if each.topic_id == ground.topic_id]
    if all(ground.is_true(each, chunk_too=True) for each in stored):
        await check.compare()
        if must_halt(ground, lie, batch):  # and nothing false was stored before: the second showed all of it
            event("the second mends it")
            assert (got, await halted(ground)) == (trial.truth, None)
    elif all(ground.is_true(each, chunk_too=True) for each in stored if each.sequence <= len(ground.truth)):
        event("the second doesn't have it")  # and may be late: it waits, and is never called the same
        await check.compare()
        assert check.agreed < sum(map(len, both.pages))
    else:
        event("the second shows it")
        with pytest.raises(MirrorsDisagree):
            await check.compare()


RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


BATCHES = st.sampled_from([2, 5, 100])


async def judge(trial: Trial, plan: Plan, batch: int) -> None:
    lie = plan.on(trial.ground)
    note(f"{plan}, {batch} at a time: shows {[each.sequence for each in lie.shown]}")
    await trial.ground.restore()
    with capture_logs():
        await (one_mirror if len(trial.mirror.mirrors) == 1 else two_mirrors)(trial, lie, batch)


@settings(RELAXED, max_examples=30)
@given(plan=PLANS, batch=BATCHES)
async def test_nothing_false_is_relayed_and_what_shows_is_found_out(trial: Trial, plan: Plan, batch: int) -> None:
    await judge(trial, plan, batch)


@pytest.mark.long
@settings(RELAXED, max_examples=1000)
@given(plan=PLANS, batch=BATCHES)
async def test_nor_by_very_many_lies(trial: Trial, plan: Plan, batch: int) -> None:
    await judge(trial, plan, batch)
