"""Which topics moved: one poll by payer, whatever the number of topics."""

from __future__ import annotations

from collections.abc import Callable

from topics.errors import MalformedAnswer
from topics.mirror.answers import SubmitPage, TransactionOutcome
from topics.mirror.rest import Mirror
from topics.network_time import MAX_SKEW_NS
from topics.values import AccountId, TopicId


class Sweep:
    """Reads the payer's submissions behind a cursor, a consensus timestamp in nanoseconds.

    The cursor moves by `commit` alone, after the caller has read the topics named: calls to a mirror may reach
    different replicas, and one that doesn't show the message named yet must be asked again. With `now_ns`, the
    network's time, a row from the far future is refused: it would take the cursor past all that is still to come.
    What other payers write isn't found (`foreign` looks for it), nor what a mirror leaves out of this list.

    With `slack_ns`, a cursor beyond what the mirror has, where a clock that was ahead put it, goes that far before it.
    """

    def __init__(
        self,
        mirror: Mirror,
        payer: AccountId,
        *,
        cursor_ns: int,
        max_pages: int = 100,
        now_ns: Callable[[], int] | None = None,
        slack_ns: int | None = None,
    ) -> None:
        self._mirror = mirror
        self._payer = payer
        self._max_pages = max_pages
        self._now_ns = now_ns
        self._slack_ns = slack_ns  # until the cursor is known to lie in the mirror's past
        self._rest: SubmitPage | None = None
        self.cursor_ns = cursor_ns
        self.reached_ns = cursor_ns
        """How far the last sweep saw, failed submissions included: what `commit` takes by default."""
        self.rows: list[TransactionOutcome] = []
        """What the last sweep saw behind the cursor, failed submissions included, in consensus order."""

    async def moved(self) -> dict[TopicId, int]:
        """The topics with new messages, each with the consensus timestamp of its newest.

        Raises as `Mirror` does, with nothing changed. What is beyond `max_pages` is the next sweep's.
        """
        if self._slack_ns is not None:
            await self._place(self._slack_ns)
        page = await self._first()
        moved: dict[TopicId, int] = {}
        rows: list[TransactionOutcome] = []
        reached_ns = self.cursor_ns
        for pages in range(1, self._max_pages + 1):
            fresh = self._behind(reached_ns, page)
            for row in fresh:
                if row.result == "SUCCESS" and row.topic_id is not None:
                    moved[row.topic_id] = row.consensus_ns
            if fresh:
                rows += fresh
                reached_ns = fresh[-1].consensus_ns
            # A page that repeats, as a replica behind the others gives it, moves nothing and leads nowhere.
            if not page.more or (page.rows and not fresh) or pages == self._max_pages:
                break
            page = await self._mirror.next_transactions(page)
        # Empty pages with a link are windows of time without rows: only the link leads on from there.
        self._rest = page if page.more and not page.rows and reached_ns == self.cursor_ns else None
        self.reached_ns, self.rows = reached_ns, rows
        return moved

    def commit(self, cursor_ns: int | None = None) -> None:
        """Move the cursor on, by default to `reached_ns`; to be called also when no topic was named. Never back."""
        behind, self.cursor_ns = (
            self.cursor_ns,
            max(self.cursor_ns, self.reached_ns if cursor_ns is None else cursor_ns),
        )
        if self.cursor_ns != behind:
            self._rest = None

    def back_to(self, cursor_ns: int) -> None:
        """Sweep again from there, where the cursor is beyond it."""
        if cursor_ns < self.cursor_ns:
            self.cursor_ns = self.reached_ns = cursor_ns
            self._rest = None

    async def _place(self, slack_ns: int) -> None:
        newest_ns = await self._mirror.latest_consensus_ns()
        if 0 < newest_ns < self.cursor_ns:
            self.cursor_ns = self.reached_ns = newest_ns - slack_ns
        self._slack_ns = None

    async def _first(self) -> SubmitPage:
        if self._rest is not None:
            return await self._mirror.next_transactions(self._rest)
        return await self._mirror.transactions(self._payer, after_ns=self.cursor_ns)

    def _behind(self, reached_ns: int, page: SubmitPage) -> list[TransactionOutcome]:
        """The rows of the page that are news, in consensus order."""
        fresh = {row.consensus_ns: row for row in page.rows if row.consensus_ns > reached_ns}
        if fresh and self._now_ns is not None and max(fresh) > self._now_ns() + MAX_SKEW_NS:
            what = f"transaction {fresh[max(fresh)].id} has a consensus time in the future"
            raise MalformedAnswer(f"mirror {self._mirror.url}", what)
        return [fresh[ns] for ns in sorted(fresh)]
