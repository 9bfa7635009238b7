"""A stream in an application's Redis or Valkey: its entries, in a consumer group of ours."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from bridge.errors import Problem, Unavailable
from bridge.intake.rows import Offer, PlaceId
from bridge.intake.settings import StreamSettings
from bridge.protocol.values import JSON
from bridge.redis_client import connected, heed_cancellation, reason_of

CONSUMER = "hcs-bridge"
"""One name for all daemons: what one of them has read and not acknowledged is what the next one reads first."""
MAX_FIELDS = 16
LET_GO_S = 1.0
GONE = "the stream was trimmed before this entry was taken"
HINT = "see that the server of its url runs, and lets this user read the stream, its group, and run scripts"

# Whether this session still is the one that reads, and what it reads, in one step: one that stood still for a while
# takes nothing out of its turn. Of an entry that is larger than any that passes only the size is told, of one that has
# been trimmed nothing.
READ = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return redis.error_reply('LOST') end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
local found = redis.call('XREADGROUP', 'GROUP', ARGV[3], ARGV[4], 'COUNT', ARGV[5], 'STREAMS', KEYS[1], ARGV[6])
local entries = {}
for at, entry in ipairs(found and found[1][2] or {}) do
  local words, size = entry[2] or {}, 0
  for _, word in ipairs(words) do size = size + #word end
  if #words > 2 * tonumber(ARGV[7]) or size > tonumber(ARGV[8]) then words = {} end
  entries[at] = {entry[1], size, words}
end
return entries
"""
UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
EXISTS = "return redis.call('EXISTS', KEYS[1])"  # by a script, as READ is: whether this user may run any

_Fields: TypeAlias = dict[bytes, bytes]


class Examined(NamedTuple):
    """Whether the stream is there, how many entries wait (None: Redis can't say), how many refused ones are kept."""

    there: bool
    waiting: int | None
    refused: int


class Source:
    """A session with the stream (port: bridge.intake.reader.Source)."""

    def __init__(self, settings: StreamSettings, redis: Redis) -> None:
        self._settings = settings
        self._redis = redis
        self._token = os.urandom(16).hex()
        self._lock = f"{settings.stream}:{settings.group}:reader"
        self._refused = f"{settings.stream}:{settings.group}:refused"
        self._again = True  # whether entries may be left that were read before, and not acknowledged
        self._fields: dict[str, _Fields] = {}  # of the entries that were read last
        self._last: bytes | str = "0"  # of the entries that the group has read

    async def alone(self) -> bool:
        """Of several bridges one reads, for as long as it does; another one `lock_s` after it has stopped."""
        own = self._settings
        with _mapped(own.name):
            if not await self._redis.set(self._lock, self._token, nx=True, px=round(own.lock_s * 1000)):
                return False
            await self._make_group()
            groups = await self._redis.xinfo_groups(own.stream)
            [self._last] = [each["last-delivered-id"] for each in groups if each["name"] == own.group.encode()]
            return True

    async def offers(self) -> dict[PlaceId, Offer]:
        """The first entries, in the stream's order: those that were read before, until none is left of them."""
        found = await self._read("0") if self._again else []
        if not found:
            self._again = False
            found = await self._read(">")
            self._last = found[-1][0] if found else self._last
        self._fields.clear()
        offers: dict[PlaceId, Offer] = {}
        for entry_id, size, words in found:
            place, fields = entry_id.decode(), dict(zip(words[::2], words[1::2], strict=True))
            self._fields[place] = fields
            event_id = event_id_of(f"{self._settings.name}/{self._settings.stream}", place)
            offers[place] = offer_of(event_id, size, fields)
        return offers

    async def settle(self, done: Sequence[PlaceId], refused: Mapping[PlaceId, str]) -> None:
        """Acknowledge all; those refused are kept beside the stream, with why. All of it or nothing."""
        own = self._settings
        with _mapped(own.name):
            async with self._redis.pipeline(transaction=True) as step:
                for place, why in refused.items():
                    kept: dict[Any, Any] = {**self._fields[str(place)], b"refused": why, b"entry": place}
                    step.xadd(self._refused, kept, maxlen=own.keep_refused, approximate=True)
                step.xack(own.stream, own.group, *done, *refused)
                await step.execute()

    async def news(self, timeout_s: float) -> None:
        """Wait for an entry behind those that were read."""
        own = self._settings
        wait_ms = max(1, round(min(timeout_s, own.lock_s / 3, own.timeout_s / 2) * 1000))
        with _mapped(own.name):
            await self._redis.xread({own.stream: self._last}, count=1, block=wait_ms)

    async def examined(self) -> Examined:
        """The stream as it is. Nothing is changed, and who reads it isn't disturbed."""
        own = self._settings
        with _mapped(own.name):
            there = bool(await self._redis.eval(EXISTS, 1, own.stream))
            groups = await self._redis.xinfo_groups(own.stream) if there else []
            ours = next((each for each in groups if each["name"] == own.group.encode()), None)
            waiting: int | None = await self._redis.xlen(own.stream)
            if ours is not None:
                waiting = None if ours["lag"] is None else ours["pending"] + ours["lag"]
            return Examined(there, waiting, await self._redis.xlen(self._refused))

    async def leave(self) -> None:
        """Let another one read at once."""
        with _mapped(self._settings.name):
            async with asyncio.timeout(LET_GO_S):
                await self._redis.eval(UNLOCK, 1, self._lock, self._token)

    async def _make_group(self) -> None:
        """From the stream's beginning: what was written before we came is told, too."""
        try:
            await self._redis.xgroup_create(self._settings.stream, self._settings.group, "0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _read(self, behind: str) -> list[tuple[bytes, int, list[bytes]]]:
        own = self._settings
        who = (self._token, round(own.lock_s * 1000), own.group, CONSUMER)
        limits = (own.max_batch, behind, MAX_FIELDS, own.max_payload_chars)
        with _mapped(own.name):
            found: Any = await self._redis.eval(READ, 2, own.stream, self._lock, *who, *limits)
            return [(entry_id, size, words) for entry_id, size, words in found]


def offer_of(event_id: UUID, size: int, fields: Mapping[bytes, bytes]) -> Offer:
    """Field by field; what is wrong with one is the door's to say."""
    fault, change = None, dict[str, JSON]()
    try:
        change = {name.decode(): text.decode() for name, text in fields.items()}
    except UnicodeDecodeError:
        fault = Problem(0, "entry", "string", "must be UTF-8")
    if not fields:
        too_large = f"is {size} bytes long, or has more than {MAX_FIELDS} fields: none that passes does"
        fault = Problem(0, "entry", "string", too_large if size else GONE)
    owner = change.pop("owner", None)
    return Offer(event_id.bytes, change, None if owner is None else str(owner), fault)


def event_id_of(stream: str, entry_id: str) -> UUID:
    """A UUIDv7 (RFC 9562 §5.7) of an entry, always the same: its time is the entry's, the rest a hash of its place."""
    ms = int(entry_id.partition("-")[0]) & (1 << 48) - 1
    rest = int.from_bytes(hashlib.sha256(f"{stream}/{entry_id}".encode()).digest()[:10])
    return UUID(int=ms << 80 | 7 << 76 | (rest >> 64 & 0xFFF) << 64 | 0b10 << 62 | rest & (1 << 62) - 1)


@asynccontextmanager
async def opened(settings: StreamSettings) -> AsyncIterator[Source]:
    """A session. Raises Unavailable."""
    with _mapped(settings.name):
        async with connected(settings) as redis:
            source = Source(settings, redis)
            try:
                yield source
            except asyncio.CancelledError:  # this daemon stops
                await source.leave()
                raise


@contextmanager
def _mapped(name: str) -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        lost = isinstance(error, ResponseError) and "LOST" in str(error)
        reason = "another bridge reads it now" if lost else reason_of(error)
        raise Unavailable(f"the Redis of ingest.redis {name!r}", reason, hint="" if lost else HINT) from error
    finally:
        heed_cancellation()
