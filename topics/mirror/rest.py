"""One mirror's REST interface: reads with timeouts, bounds, a pace and patience; answers come back as values."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from topics.errors import MalformedAnswer, Rejected, Unavailable
from topics.fees import ExchangeRate
from topics.mirror import decode
from topics.mirror.answers import MirrorAccount, MirrorNode, MirrorTopic, SubmitPage, TransactionOutcome
from topics.mirror.pace import Pace
from topics.mirror.settings import MirrorSettings
from topics.values import AccountId, TopicId, TopicMessage, TransactionId, format_timestamp

MAX_PAGE = 100
"""The mirror silently gives no more rows than this."""

_ADDRESS_BOOK_PAGES = 20
_T = TypeVar("_T")


class Mirror:
    """Reads from the mirror at `url` (`http://host:port`, with or without `/api/v1`). `close()` it.

    `on_time` is told of each consensus time up to which it says to have imported. Every method raises Unavailable
    (after some attempts of its own; a `retry_after_s` is the mirror's wish), Rejected (the mirror calls the request
    wrong) or MalformedAnswer.
    """

    def __init__(
        self,
        url: str,
        settings: MirrorSettings,
        *,
        session: aiohttp.ClientSession | None = None,
        on_time: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.url = url.rstrip("/").removesuffix("/api/v1")
        self._settings = settings
        self._pace = Pace(settings.max_requests_per_s)
        self._session = session
        self._own_session = session is None
        self._on_time = on_time
        self.requests = 0
        """Requests sent so far, repeated ones included."""
        self.served_s: int | None = None
        """The mirror's own time at its last answer, in seconds since 1970; None where it didn't say."""

    async def messages(self, topic_id: TopicId, *, after: int, limit: int = MAX_PAGE) -> list[TopicMessage]:
        """One page of messages behind sequence number `after`, ascending; empty also for an unknown topic."""
        # "gt:0" is refused, so the range is closed
        query = f"sequencenumber=gte:{after + 1}&order=asc&limit={_clamp(limit)}"
        return await self._must(f"/api/v1/topics/{topic_id}/messages?{query}", decode.messages)

    async def message(self, topic_id: TopicId, sequence: int) -> TopicMessage | None:
        """One message, or None while the mirror doesn't have it."""
        return await self._get(f"/api/v1/topics/{topic_id}/messages/{sequence}", decode.message)

    async def transactions(self, payer: AccountId, *, after_ns: int, limit: int = MAX_PAGE) -> SubmitPage:
        """A page of the payer's message submissions to any topic, failed ones included, ascending by consensus."""
        query = (
            f"transactiontype=CONSENSUSSUBMITMESSAGE&account.id={payer}"
            f"&timestamp=gt:{format_timestamp(after_ns)}&order=asc&limit={_clamp(limit)}"
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
        return await self._get(f"/api/v1/transactions/{transaction_id}", decode.outcomes) or []

    async def topic(self, topic_id: TopicId) -> MirrorTopic | None:
        """The topic's entity, None if unknown."""
        return await self._get(f"/api/v1/topics/{topic_id}", decode.topic)

    async def account(self, account: AccountId) -> MirrorAccount | None:
        """The account, None if unknown."""
        return await self._get(f"/api/v1/accounts/{account}?transactions=false", decode.account)

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
        newest_ns = await self._must("/api/v1/blocks?limit=1&order=desc", decode.newest_ns)
        self._on_time(newest_ns)
        return newest_ns

    async def close(self) -> None:
        """Close the session, unless it was handed in."""
        if self._own_session and self._session is not None:
            await self._session.close()
            self._session = None

    async def _must(self, path: str, read: Callable[[object, str], _T]) -> _T:
        value = await self._get(path, read)
        if value is None:
            raise Rejected(f"GET {path} at mirror {self.url}", "HTTP 404")
        return value

    async def _get(self, path: str, read: Callable[[object, str], _T]) -> _T | None:
        """The decoded answer, None for 404."""
        jittered = wait_random_exponential(
            multiplier=self._settings.backoff_initial_s, max=self._settings.backoff_max_s
        )

        def pause(state: RetryCallState) -> float:
            failure = state.outcome.exception() if state.outcome else None
            wished = failure.retry_after_s if isinstance(failure, Unavailable) else None
            return max(jittered(state), wished or 0.0)

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._settings.max_attempts),
            wait=pause,
            retry=retry_if_exception(self._is_worth_waiting),
            reraise=True,
        )
        body: bytes | None = await retrying(self._request, path)
        if body is None:
            return None
        remote = f"mirror {self.url}"
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise MalformedAnswer(remote, f"GET {path} gave no JSON") from error
        return read(answer, remote)

    def _is_worth_waiting(self, failure: BaseException) -> bool:
        """A wish longer than our own longest pause is the caller's to plan for."""
        return isinstance(failure, Unavailable) and (failure.retry_after_s or 0.0) <= self._settings.backoff_max_s

    async def _request(self, path: str) -> bytes | None:
        now = asyncio.get_running_loop().time
        if wait_s := self._pace.reserve(now()):
            await asyncio.sleep(wait_s)
        if self._session is None:
            self._session = aiohttp.ClientSession()
        self.requests += 1
        timeout = aiohttp.ClientTimeout(total=self._settings.request_timeout_s)
        remote = f"mirror {self.url}"
        try:
            async with self._session.get(self.url + path, timeout=timeout, allow_redirects=False) as response:
                self.served_s = _date_s(response)
                if response.status == 404:
                    return None
                body = await self._body(response)
        except TimeoutError as error:
            raise Unavailable(remote, f"no answer within {self._settings.request_timeout_s} s") from error
        except aiohttp.ClientError as error:
            raise Unavailable(remote, str(error) or type(error).__name__) from error
        if response.status == 429 or response.status >= 500:
            retry_after_s = _retry_after_s(response)
            if retry_after_s is not None:
                self._pace.hold(now() + min(retry_after_s, self._settings.backoff_max_s))
            raise Unavailable(remote, f"HTTP {response.status}{_reason(body)}", retry_after_s=retry_after_s)
        if response.status != 200:
            raise Rejected(f"GET {path} at {remote}", f"HTTP {response.status}{_reason(body)}")
        return body

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > self._settings.max_body_bytes:
                limit = self._settings.max_body_bytes
                raise MalformedAnswer(f"mirror {self.url}", f"a body of more than {limit} bytes")
        return bytes(body)


def _clamp(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE))


def _node_page(answer: object, remote: str) -> tuple[list[MirrorNode], str | None]:
    return decode.nodes(answer, remote), decode.next_link(answer, remote)


def _retry_after_s(response: aiohttp.ClientResponse) -> float | None:
    """Whole seconds; the header's other form, a date, would need a clock that agrees with the mirror's."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _date_s(response: aiohttp.ClientResponse) -> int | None:
    try:
        return int(parsedate_to_datetime(response.headers.get("Date", "")).timestamp())
    except ValueError:
        return None


def _reason(body: bytes) -> str:
    """The mirror's own words, `_status.messages[0].message`, if it gave any."""
    try:
        return f": {json.loads(body)['_status']['messages'][0]['message']}"[:200]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""
