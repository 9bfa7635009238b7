"""Looking for an id in a payer's transactions: whatever replicas answer, one that ran is never taken for absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from topics.absence import Sighting, seek
from topics.mirror.answers import SubmitPage, TransactionOutcome
from topics.values import AccountId, TransactionId

PAYER, STRANGER = AccountId(0, 0, 1001), AccountId(0, 0, 5)
WANTED = TransactionId(PAYER, 1_000)
PAST_NS = 1_200


def row(consensus_ns: int, *, payer: AccountId = PAYER) -> TransactionOutcome:
    return TransactionOutcome(TransactionId(payer, 2_000 + consensus_ns), consensus_ns, "SUCCESS", None, 0)


def ours(consensus_ns: int, result: str = "SUCCESS") -> TransactionOutcome:
    return TransactionOutcome(WANTED, consensus_ns, result, None, 0)


@dataclass(slots=True)
class Replicas:
    """Mirrors behind one address, each with everything up to some time; which of them answers is a matter of luck."""

    truth: Sequence[TransactionOutcome]
    reach: Sequence[int]
    """How far the one is that gives the n-th answer; the last is asked for ever."""
    limit: int = 100
    asked: list[int] = field(default_factory=list)

    async def history(self, payer: AccountId, *, from_ns: int) -> SubmitPage:
        assert payer == PAYER
        upto = self.reach[min(len(self.asked), len(self.reach) - 1)]
        self.asked.append(from_ns)
        rows = [each for each in self.truth if from_ns <= each.consensus_ns <= upto]
        return SubmitPage(rows[: self.limit], "/api/v1/more" if len(rows) >= self.limit else None)


async def look(*rows: TransactionOutcome, reach: Sequence[int] = (9_999,), limit: int = 100) -> Sighting:
    return await seek(Replicas(rows, reach, limit), WANTED, past_ns=PAST_NS)


@given(
    others=st.sets(st.integers(1_000, 1_400), max_size=40),
    at=st.none() | st.integers(1_000, 1_120),
    reach=st.lists(st.integers(900, 1_500), min_size=1, max_size=12),
    limit=st.integers(1, 10),
)
async def test_what_ran_is_never_called_absent(others: set[int], at: int | None, reach: list[int], limit: int) -> None:
    """`reach` is drawn per answer: fresh and stale replicas in any order."""
    truth = [row(ns) for ns in others - {at}] + ([] if at is None else [ours(at)])
    replicas = Replicas(sorted(truth, key=lambda each: each.consensus_ns), reach, limit)
    seen = await seek(replicas, WANTED, past_ns=PAST_NS)
    assert not (seen.absent and at is not None)
    assert bool(seen.outcomes) <= (at is not None)
    if seen.absent:
        assert any(ns > PAST_NS for ns in others)


@given(others=st.sets(st.integers(1_000, 1_400), max_size=40), limit=st.integers(1, 10))
async def test_a_fresh_mirror_proves_it_as_soon_as_the_payer_shows_past_the_window(
    others: set[int], limit: int
) -> None:
    seen = await look(*(row(ns) for ns in sorted(others)), limit=limit)
    assert seen.absent == any(ns > PAST_NS for ns in others)


async def test_found_with_all_its_ends() -> None:
    seen = await look(ours(1_050), ours(1_060, "DUPLICATE_TRANSACTION"), row(1_300))
    assert ([outcome.result for outcome in seen.outcomes], seen.absent) == (["SUCCESS", "DUPLICATE_TRANSACTION"], False)


async def test_the_moment_itself_is_not_past_it() -> None:
    assert not (await look(row(PAST_NS))).absent
    assert (await look(row(PAST_NS + 1))).absent


async def test_a_stale_page_ends_the_search_without_proof() -> None:
    """Its end is the end of what that replica has, not of what there is."""
    assert not (await look(row(1_010), row(1_020), ours(1_050), row(1_300), reach=(9_999, 1_030), limit=2)).absent


async def test_an_empty_page_that_leads_on_proves_nothing_of_the_time_it_skips() -> None:
    class Skips(Replicas):
        async def history(self, payer: AccountId, *, from_ns: int) -> SubmitPage:
            await super().history(payer, from_ns=from_ns)
            return (
                SubmitPage([], "/api/v1/transactions?timestamp=gt:9") if len(self.asked) == 1 else SubmitPage([], None)
            )

    replicas = Skips([], [9_999])
    assert not (await seek(replicas, WANTED, past_ns=PAST_NS)).absent
    assert len(replicas.asked) == 1


async def test_rows_out_of_order_prove_nothing() -> None:
    class Mixed(Replicas):
        async def history(self, payer: AccountId, *, from_ns: int) -> SubmitPage:
            return SubmitPage([row(1_100), row(1_050), row(1_300)], None)

    assert not (await seek(Mixed([], [0]), WANTED, past_ns=PAST_NS)).absent


async def test_a_strangers_transaction_does_not_count() -> None:
    assert not (await look(row(1_300, payer=STRANGER))).absent
