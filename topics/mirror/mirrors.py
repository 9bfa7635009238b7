"""The mirrors in the order in which they are wanted: who is asked, who is passed over, and who comes next.

Passed over is one that failed (until its back-off ends), one that is behind the freshest, and for one topic one
whose answer did not verify. The first comes back as soon as it is well.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from topics.errors import MalformedAnswer, NoSecondMirror, Rejected, TopicsError, Unavailable
from topics.mirror import decode
from topics.mirror.fetch import Fetch
from topics.mirror.settings import MirrorSettings
from topics.network_time import MAX_SKEW_NS
from topics.values import NANOS, TopicId

log = logging.getLogger(__name__)

NEWEST = "/api/v1/blocks?limit=1&order=desc"
_T = TypeVar("_T")


class Mirrors:
    """Asks one of `fetches`. `now_ns` is the network's time, so that no mirror can make others look old."""

    def __init__(
        self, fetches: Sequence[Fetch], settings: MirrorSettings, *, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._fetches = tuple(fetches)
        self._settings = settings
        self._now_ns = now_ns
        self._behind: set[Fetch] = set()
        self._distrusted: OrderedDict[TopicId, set[str]] = OrderedDict()  # URLs; the topic longest unheard of first
        self._jittered = wait_random_exponential(multiplier=settings.backoff_initial_s, max=settings.backoff_max_s)

    def __len__(self) -> int:
        return len(self._fetches)

    def __iter__(self) -> Iterator[Fetch]:
        return iter(self._fetches)

    @property
    def wanted(self) -> Fetch:
        """The mirror that would be asked now."""
        return self._pick(None)

    def distrust(self, topic_id: TopicId, source: str) -> bool:
        """What the mirror at `source` shows of this topic didn't verify: whether there is another to ask from now on.

        False: none is left. All are asked again then, from the first on, should the topic ever go on. Of more than
        `max_distrusted` topics the one longest ago is forgotten: there the liar must lie once more to be left again.
        """
        distrusted = self._distrusted.setdefault(topic_id, set())
        self._distrusted.move_to_end(topic_id)
        distrusted.add(source)
        if all(fetch.url in distrusted for fetch in self._fetches):
            self.trust(topic_id)
            return False
        if len(self._distrusted) > self._settings.max_distrusted:
            self._distrusted.popitem(last=False)
        return True

    def trust(self, topic_id: TopicId) -> None:
        """Any mirror may be asked about the topic again."""
        self._distrusted.pop(topic_id, None)

    async def get(self, path: str, read: Callable[[object, str], _T], topic_id: TopicId | None = None) -> _T | None:
        """The decoded answer, None for 404; as `ask`, for whom it doesn't matter who gave it."""
        value, _ = await self.ask(path, read, topic_id)
        return value

    async def ask(
        self, path: str, read: Callable[[object, str], _T], topic_id: TopicId | None = None
    ) -> tuple[_T | None, str]:
        """The decoded answer, None for 404, and the URL of who gave it.

        One mirror after another is tried, with pauses where all have failed. Raises Unavailable, Rejected,
        MalformedAnswer: what the mirror tried last came to.
        """
        refused: set[Fetch] = set()  # with an answer that asking again doesn't mend
        asked = self._pick(topic_id)

        def worth_another(failure: BaseException) -> bool:
            if isinstance(failure, Unavailable):
                # A wish longer than our own longest pause is the caller's to plan for.
                return (failure.retry_after_s or 0.0) <= self._settings.backoff_max_s or self._other(topic_id, refused)
            if isinstance(failure, Rejected | MalformedAnswer):
                refused.add(asked)
                return self._other(topic_id, refused)
            return False

        def pause(state: RetryCallState) -> float:
            if self._other(topic_id, refused | {asked}) and not asked.host.is_ready(time.monotonic()):
                return 0.0
            failure = state.outcome.exception() if state.outcome else None
            wished = failure.retry_after_s if isinstance(failure, Unavailable) else None
            return 0.0 if asked in refused else max(self._jittered(state), wished or 0.0)

        async def once() -> _T | None:
            nonlocal asked
            asked = self._pick(topic_id, avoid=refused)
            return await asked.once(path, read)

        retrying = AsyncRetrying(
            stop=stop_after_attempt(max(self._settings.max_attempts, len(self))),
            wait=pause,
            retry=retry_if_exception(worth_another),
            reraise=True,
        )
        value: _T | None = await retrying(once)
        return value, asked.url

    async def get_elsewhere(
        self, path: str, read: Callable[[object, str], _T], topic_id: TopicId, *, source: str
    ) -> _T | None:
        """The answer of another mirror than the one at `source`, None for 404. One attempt.

        Raises as `ask` does, and NoSecondMirror where there is no other that is trusted with the topic.
        """
        own = {fetch for fetch in self._fetches if fetch.url == source}
        other = self._pick(topic_id, avoid=own)
        if other in own or other.url in self._distrusted.get(topic_id, ()):
            raise NoSecondMirror(source)
        return await other.once(path, read)

    async def check(self) -> None:
        """Look at each, and at how fresh they are in comparison; to be called every `check_interval_s` if several."""
        found = await asyncio.gather(*(self._newest_ns(fetch) for fetch in self._fetches))
        latest_ns = self._now_ns() + MAX_SKEW_NS
        freshest_ns = max((ns for ns in found if ns is not None and ns <= latest_ns), default=0)
        for fetch, newest_ns in zip(self._fetches, found, strict=True):
            if newest_ns is not None:
                self._compare(fetch, newest_ns, freshest_ns)

    async def run(self) -> None:
        """Check until cancelled. Of use only where there are several."""
        while True:
            await self.check()
            await asyncio.sleep(self._settings.check_interval_s)

    async def _newest_ns(self, fetch: Fetch) -> int | None:
        try:
            return await fetch.once(NEWEST, decode.newest_ns)
        except TopicsError:
            return None  # its host knows

    def _compare(self, fetch: Fetch, newest_ns: int, freshest_ns: int) -> None:
        lag_s = (freshest_ns - newest_ns) / NANOS
        if lag_s > self._settings.max_lag_s and fetch not in self._behind:
            self._behind.add(fetch)
            log.warning("mirror %s is %.0f s behind the freshest", fetch.url, lag_s)
        elif lag_s <= self._settings.max_lag_s and fetch in self._behind:
            self._behind.discard(fetch)
            log.info("mirror %s has caught up", fetch.url)

    def _pick(self, topic_id: TopicId | None, *, avoid: Collection[Fetch] = ()) -> Fetch:
        """The first of the best: trusted above all, then not avoided, ready and fresh; else the one ready soonest."""
        now = time.monotonic()
        distrusted = self._distrusted.get(topic_id, ()) if topic_id is not None else ()

        def fault(fetch: Fetch) -> tuple[bool, bool, float, bool]:
            back_in_s = max(fetch.host.ready_at - now, 0.0)
            return fetch.url in distrusted, fetch in avoid, back_in_s, fetch in self._behind

        return min(self._fetches, key=fault)

    def _other(self, topic_id: TopicId | None, spent: Collection[Fetch]) -> bool:
        """Whether a mirror that isn't spent can be asked at once."""
        picked = self._pick(topic_id, avoid=spent)  # one that is distrusted only if all are, which never is
        return picked not in spent and picked.host.is_ready(time.monotonic())
