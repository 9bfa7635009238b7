"""Reads the query parameters of the mirror's REST, as strictly as it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl

from topics.values import AccountId, TopicId, TransactionId, parse_timestamp

DEFAULT_LIMIT = 25
MAX_LIMIT = 100
MAX_REPEATS = 100
MAX_INT64 = (1 << 63) - 1

_COMPARISON = re.compile(r"(?:(eq|gt|gte|lt|lte):)?(.+)")
_TRANSACTION = re.compile(r"\d{1,4}\.\d{1,5}\.\d{1,12}-\d{1,12}-\d{1,9}")
_ENTITY = re.compile(r"(?:(?:(\d{1,4})\.)?(\d{1,5})\.)?(\d{1,12})")


class BadRequest(Exception):
    """400. `messages` go into the error body, one for each parameter."""

    def __init__(self, *messages: str) -> None:
        self.messages = messages
        super().__init__("; ".join(messages))


def invalid(name: str) -> BadRequest:
    """The words for a known parameter with a value that can't be read."""
    return BadRequest(f"Invalid parameter: {name}")


@dataclass(frozen=True, slots=True)
class Span:
    """A range of integers, both ends included. `closed_low`, `closed_high` tell whether the caller gave that end."""

    low: int = 0
    high: int = MAX_INT64
    closed_low: bool = False
    closed_high: bool = False

    def both(self, other: Span) -> Span:
        """What lies in this and the other."""
        return Span(
            max(self.low, other.low),
            min(self.high, other.high),
            self.closed_low or other.closed_low,
            self.closed_high or other.closed_high,
        )


class Parameters:
    """The parameters of one request: each may be asked for by name, and only those that are known."""

    def __init__(self, query_string: str, known: Collection[str]) -> None:
        self.pairs = parse_qsl(query_string, keep_blank_values=True)
        unknown = dict.fromkeys(name for name, _ in self.pairs if name not in known)
        if unknown:
            raise BadRequest(*(f"Unknown query parameter: {name}" for name in unknown))

    def many(self, name: str) -> list[str]:
        """Every value, at most a hundred."""
        values = [value for key, value in self.pairs if key == name]
        if len(values) > MAX_REPEATS:
            raise invalid(name)
        return values

    def one(self, name: str, *, among: Collection[str], default: str) -> str:
        """One of some words, whatever their case."""
        values = self.many(name)
        if len(values) > 1 or (values and values[0].lower() not in among):
            raise invalid(name)
        return values[0].lower() if values else default

    @property
    def limit(self) -> int:
        """Rows on a page. Too many are silently clamped."""
        values = self.many("limit")
        if not values:
            return DEFAULT_LIMIT
        if len(values) > 1 or not values[0].isdecimal() or int(values[0]) < 1:
            raise invalid("limit")
        return min(int(values[0]), MAX_LIMIT)

    def descending(self, *, default: str) -> bool:
        """The order."""
        return self.one("order", among=("asc", "desc"), default=default) == "desc"

    def timestamps(self) -> Span:
        """`timestamp`, in nanoseconds."""
        return self._span("timestamp", parse_timestamp)

    def sequence_numbers(self) -> Span:
        """`sequencenumber`; 0 is no sequence number, whatever stands before it."""

        def read(text: str) -> int:
            if not text.isdecimal() or not 1 <= int(text) <= MAX_INT64:
                raise ValueError(text)
            return int(text)

        return self._span("sequencenumber", read)

    def accounts(self, name: str) -> list[AccountId]:
        """Accounts, named exactly."""
        return [read_account(value.removeprefix("eq:"), name) for value in self.many(name)]

    def _span(self, name: str, read: Callable[[str], int]) -> Span:
        span = Span()
        for value in self.many(name):
            match = _COMPARISON.fullmatch(value)
            try:
                bound = read(match[2]) if match else -1
            except ValueError:
                bound = -1
            if match is None or bound < 0:
                raise invalid(name)
            span = span.both(_compared(match[1] or "eq", bound))
        return span


def _compared(operator: str, bound: int) -> Span:
    return {
        "eq": Span(bound, bound, closed_low=True, closed_high=True),
        "gt": Span(low=bound + 1, closed_low=True),
        "gte": Span(low=bound, closed_low=True),
        "lt": Span(high=bound - 1, closed_high=True),
        "lte": Span(high=bound, closed_high=True),
    }[operator]


def read_topic(text: str) -> TopicId:
    """`0.0.7`, `0.7` or `7`."""
    return TopicId(*_entity(text, "topicId"))


def read_account(text: str, name: str) -> AccountId:
    """`0.0.7`, `0.7` or `7`."""
    return AccountId(*_entity(text, name))


def read_transaction_id(text: str) -> TransactionId:
    """Only the form with dashes: the SDKs' own, with `@`, is refused."""
    if _TRANSACTION.fullmatch(text) is None:
        raise BadRequest(
            'Invalid Transaction id. Please use "shard.realm.num-sss-nnn" format '
            "where sss are seconds and nnn are nanoseconds"
        )
    return TransactionId.parse(text)


def _entity(text: str, name: str) -> tuple[int, int, int]:
    match = _ENTITY.fullmatch(text)
    if match is None:
        raise invalid(name)
    return int(match[1] or 0), int(match[2] or 0), int(match[3])
