"""One GET to one mirror: with a turn in its pace, a timeout and a bound, and what came of it told to its host."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import aiohttp

from topics.errors import MalformedAnswer, Rejected, Unavailable
from topics.mirror.host import Host
from topics.mirror.settings import MirrorSettings

_T = TypeVar("_T")

KNOWN = frozenset(HTTPStatus)
"""What a mirror may answer with and be counted by; there are no others that mean anything."""


class Fetch:
    """Of the mirror at `url` (`http://host:port`, with or without `/api/v1`)."""

    def __init__(
        self, url: str, settings: MirrorSettings, host: Host, session: Callable[[], aiohttp.ClientSession]
    ) -> None:
        self.url = url.rstrip("/").removesuffix("/api/v1")
        self.host = host
        self._settings = settings
        self._session = session
        self.requests = 0
        """Requests sent so far, repeated ones included."""
        self.answers = Counter[str]()
        """What came of them: the HTTP status ("other": one that nobody knows), "timeout" or "unreachable"."""
        self.served_s: int | None = None
        """The mirror's own time at its last answer, in seconds since 1970; None where it didn't say."""

    async def once(self, path: str, read: Callable[[object, str], _T]) -> _T | None:
        """The decoded answer, None for 404.

        Raises Unavailable (a `retry_after_s` is the mirror's wish), Rejected, MalformedAnswer.
        """
        await self.host.turn()
        remote = f"mirror {self.url}"
        try:
            body = await self._request(path, remote)
            if body is None:
                return None
            try:
                answer = json.loads(body)
            except (ValueError, RecursionError) as error:
                raise MalformedAnswer(remote, f"GET {path} gave no JSON") from error
            value = read(answer, remote)
        except MalformedAnswer as error:
            self.host.failed(time.monotonic(), error.reason)
            raise
        self.host.answered(time.monotonic())
        return value

    async def _request(self, path: str, remote: str) -> bytes | None:
        self.requests += 1
        timeout = aiohttp.ClientTimeout(total=self._settings.request_timeout_s)
        try:
            async with self._session().get(self.url + path, timeout=timeout, allow_redirects=False) as response:
                self.served_s = _date_s(response)
                self.answers[str(response.status) if response.status in KNOWN else "other"] += 1
                if response.status == 404:
                    self.host.answered(time.monotonic())
                    return None
                body = await self._body(response)
        except TimeoutError as error:
            self.answers["timeout"] += 1
            # Asked again it would cost as much waiting: not before the next look at its health, by `Mirrors.check`.
            at_least_s = self._settings.check_interval_s + 2 * self._settings.request_timeout_s
            reason = f"no answer within {self._settings.request_timeout_s} s"
            raise self._unavailable(reason, at_least_s=at_least_s) from error
        except aiohttp.ClientError as error:
            self.answers["unreachable"] += 1
            raise self._unavailable(str(error) or type(error).__name__) from error
        if response.status == 429 or response.status >= 500:
            raise self._put_off(response, body)
        if response.status != 200:
            self.host.answered(time.monotonic())
            raise Rejected(f"GET {path} at {remote}", f"HTTP {response.status}{_reason(body)}")
        return body

    def _unavailable(self, reason: str, *, at_least_s: float = 0.0) -> Unavailable:
        self.host.failed(time.monotonic(), reason, at_least_s=at_least_s)
        return Unavailable(f"mirror {self.url}", reason)

    def _put_off(self, response: aiohttp.ClientResponse, body: bytes) -> Unavailable:
        """It answers, but not now. A wish for silence is kept by all, up to `backoff_max_s`."""
        now, reason, wished_s = time.monotonic(), f"HTTP {response.status}{_reason(body)}", _retry_after_s(response)
        pause_s = min(wished_s or 0.0, self._settings.backoff_max_s)
        if response.status == 429:
            lasted_s = self.host.limited(now, pause_s=pause_s)
            if max(lasted_s, wished_s or 0.0) > self._settings.max_limited_s:
                self.host.failed(now, reason, at_least_s=pause_s)
        else:
            self.host.pace.hold(now + pause_s)
            self.host.failed(now, reason, at_least_s=pause_s)
        return Unavailable(f"mirror {self.url}", reason, retry_after_s=wished_s)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > self._settings.max_body_bytes:
                limit = self._settings.max_body_bytes
                raise MalformedAnswer(f"mirror {self.url}", f"a body of more than {limit} bytes")
        return bytes(body)


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
