"""Speaks to the running daemon's HTTP door as a backend would."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from bridge.commands.addresses import http_url, trust
from bridge.commands.exits import UNREACHABLE, USAGE, CommandFailed
from bridge.config import Config
from bridge.config_sections import ApiKey, Scope
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.key_files import read_secret

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
BACKOFF_INITIAL_S = 0.25
BACKOFF_MAX_S = 5.0
REQUEST_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door said: HTTP status, and the JSON body ({} if there was none)."""

    status: int
    body: Any

    def problems(self) -> list[dict[str, Any]]:
        """Which of several events the door found wrong: index, field, rule."""
        found = self._error().get("problems", [])
        return [problem for problem in found if isinstance(problem, dict)] if isinstance(found, list) else []

    def reason(self) -> str:
        """The door's own words, as far as it found any."""
        text = self._error().get("message")
        return f"{self.status}: {text}" if text else str(self.status)

    def _error(self) -> dict[str, Any]:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error if isinstance(error, dict) else {}


class Door:
    """A connection to one daemon with one API key, or none. Use as an async context manager."""

    def __init__(
        self,
        url: str,
        api_key: str | None,
        *,
        patience_s: float = 0,
        trust: ssl.SSLContext | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.url = url
        self._patience_s = patience_s
        self._sleep = sleep
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session = aiohttp.ClientSession(
            headers=headers, timeout=timeout, connector=aiohttp.TCPConnector(ssl=trust or True)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self, path: str, body: bytes, *, idempotency_key: str | None = None) -> Answer:
        """Post JSON. The same body under the same key again and again while the daemon is away or busy.

        Raises CommandFailed when that took longer than the patience given, or when the API key isn't taken.
        """
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return await self._ask("POST", path, body, headers)

    async def get(self, path: str) -> Answer:
        """Ask, as patiently. Raises CommandFailed."""
        return await self._ask("GET", path, None, {})

    async def look(self, path: str) -> Answer:
        """Ask once, and take any answer. Raises CommandFailed where there is none."""
        try:
            async with self._session.get(self.url + path) as response:
                return await _answer(response)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CommandFailed(f"{self.url} gives no answer: {error}", code=UNREACHABLE) from error

    async def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        waited, pause = 0.0, BACKOFF_INITIAL_S
        while True:
            answer, wish = await self._try(method, path, body, headers)
            if isinstance(answer, Answer):
                return self._entitled(answer)
            if waited >= self._patience_s:
                raise CommandFailed(f"{self.url} can't take it: {answer}", code=UNREACHABLE)
            if not waited:
                sys.stderr.write(f"{self.url} can't take it yet, and is asked for {self._patience_s:g} s: {answer}\n")
            delay = min(max(pause, wish), max(self._patience_s - waited, BACKOFF_INITIAL_S))
            await self._sleep(delay)
            waited, pause = waited + delay, min(pause * 2, BACKOFF_MAX_S)

    async def _try(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[Answer | str, float]:
        """The answer, or why there is none yet and how many seconds the daemon wants to be left alone."""
        try:
            async with self._session.request(method, self.url + path, data=body, headers=headers) as response:
                if response.status in RETRIED:
                    wish = response.headers.get("Retry-After", "")
                    return f"it answers {response.status}", float(wish) if wish.isdecimal() else 0.0
                return await _answer(response), 0.0
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            return str(error) or type(error).__name__, 0.0
        except (aiohttp.ClientError, ValueError) as error:
            raise CommandFailed(f"{self.url} does not answer as hcs-bridge would: {error}", code=UNREACHABLE) from error

    def _entitled(self, answer: Answer) -> Answer:
        if answer.status in {401, 403}:
            hint = "the key comes from http.api_keys; the daemon must have the same, with the same scopes"
            raise CommandFailed(f"{self.url} refuses the API key ({answer.reason()})", code=USAGE, hint=hint)
        return answer


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    is_json = response.content_type == "application/json"
    return Answer(response.status, await response.json() if is_json else {})


async def ask_daemon(
    config: Config, scope: Scope, path: str, body: bytes | None = None, *, timeout_s: float = REQUEST_TIMEOUT_S
) -> Answer | None:
    """Get from the configured daemon, or post to it, with a key of that scope, once. None if no daemon answers.

    Raises CommandFailed, ConfigInvalid.
    """
    key, known = api_key_for(config, scope), trust(config.http.tls_certificate_file)
    async with Door(http_url(config), key, patience_s=0, trust=known, timeout_s=timeout_s) as door:
        try:
            return await door.get(path) if body is None else await door.post(path, body)
        except CommandFailed as failed:
            if failed.code == UNREACHABLE:
                return None
            raise


def api_key_for(config: Config, scope: Scope) -> str:
    """The first configured API key with that scope. Raises ConfigInvalid if there is none."""
    for index, api_key in enumerate(config.http.api_keys):
        if scope in api_key.scopes:
            return read_secret(api_key.key_file, key=f"http.api_keys.{index}.key_file")
    raise ConfigInvalid([_no_key(config.http.api_keys, scope)])


def _no_key(api_keys: tuple[ApiKey, ...], scope: Scope) -> ConfigProblem:
    names = ", ".join(api_key.name for api_key in api_keys) or "(none)"
    return ConfigProblem("configuration", "http.api_keys", names, f"no API key has the scope {scope}")
