"""What a mirror may answer besides the truth: too many requests, errors, silence, too much, nonsense, detours."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.topics.client import QUICK_MIRROR
from topics.errors import MalformedAnswer, Rejected, Unavailable
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings
from topics.values import AccountId, TopicId

TOPIC, PAYER = TopicId(0, 0, 7), AccountId(0, 0, 2)
EMPTY = '{"messages": [], "links": {"next": null}}'


@asynccontextmanager
async def answering(*answers: web.Response | float, settings: MirrorSettings = QUICK_MIRROR) -> AsyncIterator[Mirror]:
    """A mirror that gives these answers one after the other, the last for ever; a number is silence, in seconds."""
    left = list(answers)

    async def handle(_: web.Request) -> web.Response:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            raise web.HTTPInternalServerError
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    mirror = Mirror(f"http://127.0.0.1:{runner.addresses[0][1]}", settings)
    try:
        yield mirror
    finally:
        await mirror.close()
        await runner.cleanup()


def fine() -> web.Response:
    return web.Response(text=EMPTY)


def error(status: int, text: str = "", **headers: str) -> web.Response:
    body = f'{{"_status": {{"messages": [{{"message": "{text}"}}]}}}}' if text else "not json"
    return web.Response(status=status, text=body, headers={name.replace("_", "-"): it for name, it in headers.items()})


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_trouble_that_passes_is_waited_out(status: int) -> None:
    async with answering(error(status), error(status, "busy"), fine()) as mirror:
        assert await mirror.messages(TOPIC, after=0) == []
        assert mirror.requests == 3


async def test_trouble_that_stays_is_unavailable_with_the_mirrors_words() -> None:
    async with answering(error(503, "Service Unavailable")) as mirror:
        with pytest.raises(Unavailable, match="HTTP 503: Service Unavailable"):
            await mirror.messages(TOPIC, after=0)
        assert mirror.requests == QUICK_MIRROR.max_attempts


async def test_retry_after_holds_back_whoever_comes_next() -> None:
    now = asyncio.get_running_loop().time
    once = dataclasses.replace(QUICK_MIRROR, max_attempts=1)
    async with answering(error(429, Retry_After="1"), fine(), settings=once) as mirror:
        with pytest.raises(Unavailable, match="HTTP 429"):
            await mirror.messages(TOPIC, after=0)
        started = now()
        assert await mirror.messages(TOPIC, after=0) == []
        assert now() - started >= 0.95


async def test_a_wish_longer_than_our_patience_goes_to_the_caller() -> None:
    async with answering(error(429, "slow down", Retry_After="120")) as mirror:
        with pytest.raises(Unavailable, match="HTTP 429: slow down") as caught:
            await mirror.messages(TOPIC, after=0)
        assert caught.value.retry_after_s == 120
        assert mirror.requests == 1


async def test_retry_after_as_a_date_is_not_guessed() -> None:
    async with answering(error(429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), fine()) as mirror:
        assert await mirror.messages(TOPIC, after=0) == []


async def test_silence_is_unavailable() -> None:
    hasty = dataclasses.replace(QUICK_MIRROR, request_timeout_s=0.1, max_attempts=2)
    async with answering(5.0, settings=hasty) as mirror:
        with pytest.raises(Unavailable, match=r"no answer within 0\.1 s"):
            await mirror.messages(TOPIC, after=0)


@pytest.mark.parametrize(
    ("status", "expected"), [(400, Rejected), (401, Rejected), (404, Rejected), (301, Rejected), (204, Rejected)]
)
async def test_a_no_is_not_asked_again(status: int, expected: type[Exception]) -> None:
    async with answering(error(status, "no" if status != 204 else "", Location="http://127.0.0.1:1/")) as mirror:
        with pytest.raises(expected, match=f"HTTP {status}"):
            await mirror.messages(TOPIC, after=0)
        assert mirror.requests == 1


@pytest.mark.parametrize(
    "body", ["", "<html>", "[" * 100_000, '{"messages": 1}', "[]", "9" * 5000, b"\xff\xfe", '{"messages": [{}]}']
)
async def test_nonsense_is_malformed(body: str | bytes) -> None:
    async with answering(web.Response(body=body)) as mirror:
        with pytest.raises(MalformedAnswer, match=r"mirror http://127\.0\.0\.1"):
            await mirror.messages(TOPIC, after=0)
        assert mirror.requests == 1


async def test_a_body_without_end_is_cut() -> None:
    small = dataclasses.replace(QUICK_MIRROR, max_body_bytes=10_000)
    async with answering(web.Response(body=b" " * 10_001), settings=small) as mirror:
        with pytest.raises(MalformedAnswer, match="more than 10000 bytes"):
            await mirror.messages(TOPIC, after=0)


async def test_a_link_to_another_host_is_not_followed() -> None:
    body = '{"transactions": [], "links": {"next": "http://127.0.0.1:1/api/v1/transactions"}}'
    async with answering(web.Response(text=body)) as mirror:
        with pytest.raises(MalformedAnswer, match=r"links\.next"):
            await mirror.transactions(PAYER, after_ns=0)


async def test_an_address_book_whose_links_never_end_is_bounded() -> None:
    body = '{"nodes": [], "links": {"next": "/api/v1/network/nodes?again"}}'
    async with answering(web.Response(text=body)) as mirror:
        assert await mirror.network_nodes() == []
        assert mirror.requests == 20


async def test_requests_are_paced() -> None:
    now = asyncio.get_running_loop().time
    async with answering(fine(), settings=dataclasses.replace(QUICK_MIRROR, max_requests_per_s=20)) as mirror:
        started = now()
        await asyncio.gather(*(mirror.messages(TOPIC, after=0) for _ in range(14)))
        assert now() - started >= 0.45


@pytest.mark.parametrize(("date", "served_s"), [("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000), ("tomorrow", None)])
async def test_the_mirrors_own_time_is_kept(date: str, served_s: int | None) -> None:
    async with answering(web.Response(text=EMPTY, headers={"Date": date})) as mirror:
        assert mirror.served_s is None
        await mirror.messages(TOPIC, after=0)
        assert mirror.served_s == served_s
