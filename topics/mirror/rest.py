"""A mirror's REST interface: reads with timeouts, bounds, a pace and patience; answers come back as values."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import aiohttp

from topics.errors import Rejected
from topics.fees import ExchangeRate
from topics.mirror import decode
from topics.mirror.answers import MirrorAccount, MirrorNode, MirrorTopic, Page, SubmitPage, TransactionOutcome
from topics.mirror.fetch import Fetch
from topics.mirror.host import Hosts
from topics.mirror.mirrors import NEWEST, Mirrors
from topics.mirror.settings import MirrorSettings
from topics.network_time import NetworkTime
from topics.values import AccountId, TopicId, TopicMessage, TransactionId, format_timestamp

MAX_PAGE = 100
"""The mirror silently gives no more rows than this."""

_ADDRESS_BOOK_PAGES = 20
_T = TypeVar("_T")


class Mirror:
    """Reads from the mirror at `url` (`http://host:port`, with or without `/api/v1`). `close()` it.

    With `others` there are several, asked in this order when those before are unwell: `mirrors` knows how each is.
    `network_time` learns of consensus times: how far a mirror says to have imported, when submissions ran. Every method
    raises Unavailable (after some attempts of its own; a `retry_after_s` is the mirror's wish), Rejected (the mirror
    calls the request wrong) or MalformedAnswer. Whoever asks the same hosts beside this one must be given the same
    `hosts`.
    """

    def __init__(
        self,
        url: str,
        settings: MirrorSettings,
        *,
        others: Sequence[str] = (),
        session: aiohttp.ClientSession | None = None,
        hosts: Hosts | None = None,
        network_time: NetworkTime | None = None,
    ) -> None:
        hosts = Hosts(settings) if hosts is None else hosts
        self._network_time = NetworkTime(time.time_ns) if network_time is None else network_time
        fetches = [Fetch(each, settings, hosts.of(each), self._opened) for each in (url, *others)]
        self.mirrors = Mirrors(fetches, settings, now_ns=self._network_time.now_ns)
        self._settings = settings
        self._session = session
        self._own_session = session is None

    @property
    def url(self) -> str:
        """Of the mirror that would be asked now."""
        return self.mirrors.wanted.url

    @property
    def requests(self) -> int:
        """Requests sent so far, repeated ones included."""
        return sum(fetch.requests for fetch in self.mirrors)

    @property
    def served_s(self) -> int | None:
        """The mirror's own time at its last answer, in seconds since 1970; None where it didn't say."""
        return self.mirrors.wanted.served_s

    async def messages(self, topic_id: TopicId, *, after: int, limit: int = MAX_PAGE) -> Page:
        """One page of messages behind sequence number `after`, ascending; empty also for an unknown topic."""
        # "gt:0" is refused, so the range is closed
        query = f"sequencenumber=gte:{after + 1}&order=asc&limit={_clamp(limit)}"
        path = f"/api/v1/topics/{topic_id}/messages?{query}"
        messages, source = await self.mirrors.ask(path, decode.messages, topic_id)
        if messages is None:
            raise _unknown(path, source)
        return Page(messages, source)

    async def newest_message(self, topic_id: TopicId) -> TopicMessage | None:
        """The topic's high-water mark, None for an empty or unknown one."""
        path = f"/api/v1/topics/{topic_id}/messages?limit=1&order=desc"
        return next(iter(await self._must(path, decode.messages, topic_id)), None)

    async def message(self, topic_id: TopicId, sequence: int) -> TopicMessage | None:
        """One message, or None while the mirror doesn't have it."""
        return await self.mirrors.get(_message_path(topic_id, sequence), decode.message, topic_id)

    async def message_elsewhere(self, topic_id: TopicId, sequence: int, *, source: str) -> TopicMessage | None:
        """The same from another mirror than the one at `source`; NoSecondMirror where none is trusted."""
        path = _message_path(topic_id, sequence)
        return await self.mirrors.get_elsewhere(path, decode.message, topic_id, source=source)

    async def transactions(self, payer: AccountId, *, after_ns: int, limit: int = MAX_PAGE) -> SubmitPage:
        """A page of the payer's message submissions to any topic, failed ones included, ascending by consensus."""
        query = (
            f"transactiontype=CONSENSUSSUBMITMESSAGE&account.id={payer}"
            f"&timestamp=gt:{format_timestamp(after_ns)}&order=asc&limit={_clamp(limit)}"
        )
        page = await self._must(f"/api/v1/transactions?{query}", decode.submit_page)
        if page.rows:
            self._network_time.seen(page.rows[-1].consensus_ns)
        return page

    async def creations(self, payer: AccountId, *, limit: int = MAX_PAGE) -> SubmitPage:
        """The first page of the topics made in transactions that the payer paid or had a part in, ascending."""
        query = (
            f"account.id={payer}&transactiontype=CONSENSUSCREATETOPIC&result=success&order=asc&limit={_clamp(limit)}"
        )
        return await self._must(f"/api/v1/transactions?{query}", decode.submit_page)

    async def next_transactions(self, page: SubmitPage) -> SubmitPage:
        """The page behind `page`, which must have a next one."""
        if page.next is None:
            raise ValueError("that was the last page")
        return await self._must(page.next, decode.submit_page)

    async def history(self, payer: AccountId, *, from_ns: int, limit: int = MAX_PAGE) -> SubmitPage:
        """A page of the payer's transactions of every type, failed ones included, ascending, `from_ns` included."""
        query = f"account.id={payer}&timestamp=gte:{format_timestamp(from_ns)}&order=asc&limit={_clamp(limit)}"
        return await self._must(f"/api/v1/transactions?{query}", decode.submit_page)

    async def transaction(self, transaction_id: TransactionId) -> list[TransactionOutcome]:
        """What consensus recorded under the id; empty while (or because) there is nothing."""
        return await self.mirrors.get(f"/api/v1/transactions/{transaction_id}", decode.outcomes) or []

    async def topic(self, topic_id: TopicId) -> MirrorTopic | None:
        """The topic's entity, None if unknown."""
        return await self.mirrors.get(f"/api/v1/topics/{topic_id}", decode.topic)

    async def account(self, account: AccountId) -> MirrorAccount | None:
        """The account, None if unknown."""
        return await self.mirrors.get(f"/api/v1/accounts/{account}?transactions=false", decode.account)

    async def network_nodes(self) -> list[MirrorNode]:
        """The address book."""
        found: list[MirrorNode] = []
        link: str | None = "/api/v1/network/nodes?limit=25&order=asc"
        for _ in range(_ADDRESS_BOOK_PAGES):
            if link is None:
                break
            page, link = await self._must(link, _node_page)
            found += page
        return found

    async def exchange_rate(self) -> ExchangeRate:
        """The network's rate of hbar to US cents."""
        return await self._must("/api/v1/network/exchangerate", decode.exchange_rate)

    async def latest_consensus_ns(self) -> int:
        """The consensus timestamp up to which this mirror has imported everything; 0 if nothing yet."""
        newest_ns = await self._must(NEWEST, decode.newest_ns)
        self._network_time.seen(newest_ns)
        return newest_ns

    async def close(self) -> None:
        """Close the session, unless it was handed in."""
        if self._own_session and self._session is not None:
            await self._session.close()
            self._session = None

    async def _must(self, path: str, read: Callable[[object, str], _T], topic_id: TopicId | None = None) -> _T:
        value, source = await self.mirrors.ask(path, read, topic_id)
        if value is None:
            raise _unknown(path, source)
        return value

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session


def _clamp(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE))


def _unknown(path: str, source: str) -> Rejected:
    return Rejected(f"GET {path} at mirror {source}", "HTTP 404")


def _message_path(topic_id: TopicId, sequence: int) -> str:
    return f"/api/v1/topics/{topic_id}/messages/{sequence}"


def _node_page(answer: object, remote: str) -> tuple[list[MirrorNode], str | None]:
    return decode.nodes(answer, remote), decode.next_link(answer, remote)
