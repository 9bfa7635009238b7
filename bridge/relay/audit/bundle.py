"""An audit bundle (docs/audit-bundle.md) as an audit's source: a topic in one file, where there is nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bridge.errors import IntegrityBroken
from bridge.protocol.wire.epochs import Epoch, KeyTable
from bridge.relay.audit.bundle_lines import MAX_LINE_BYTES, End, Header, Line, decoded, encoded, header_of
from bridge.relay.audit.receipts import Receipt
from bridge.relay.audit.source import Span
from bridge.relay.audit.verdict import Refuted
from topics.errors import MalformedAnswer
from topics.mirror import decode
from topics.mirror.rest import MAX_PAGE
from topics.values import TopicId, TopicMessage

MAX_KEYS = 1000
"""A campaign has one, and one more for each rotation."""


class BundleRefused(IntegrityBroken):
    """The file is no bundle that can be judged; `what` names it."""

    hint = "have it sent or exported again (`hcs-bridge export`): a bundle is judged whole, or not at all"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose end and digest are right, as an audit's source; what it says may be anything. Made by `opened`.

    It is read anew for each thing that is asked, a line at a time. All raise BundleRefused.
    """

    path: Path
    header: Header
    topic_id: TopicId

    @classmethod
    def opened(cls, path: Path) -> Bundle:
        """Read it through once. Raises BundleRefused for another format or version, and for one cut off or changed."""
        if not path.is_file():
            raise BundleRefused(str(path), "isn't a file: it must be one, since it is read more than once")
        header = _checked(path)
        try:
            return cls(path, header, TopicId.parse(header.topic_id))
        except ValueError as error:
            raise BundleRefused(str(path), f"line 1: {error}") from error

    def keys(self) -> KeyTable | None:
        """The keys in it, None if there are none."""
        found: list[Epoch] = []
        for number, line in self._lines():
            if line.key is not None:
                found.append(Epoch.of(bytes.fromhex(line.key)))
            elif line.bundle is None:
                break
            if len(found) > MAX_KEYS:
                raise self._refused(number, f"more than {MAX_KEYS} keys")
        return KeyTable(epochs=tuple(found)) if found else None

    def receipts(self, *, first: int = 1) -> Iterator[Receipt]:
        """The bridge's receipts, in its order, without those of messages before `first`."""
        for number, line in self._lines():
            if line.message is not None:
                return
            if (row := line.receipt) is not None and row.sequence_number >= first:
                try:
                    yield row.read()
                except ValueError as error:
                    raise self._refused(number, str(error)) from error

    async def pages(self, span: Span, wanted: int) -> AsyncGenerator[Sequence[TopicMessage]]:
        """As Source says."""
        last, rest = span.first - 1, islice(self._messages(), span.first - 1, span.last)
        while page := list(islice(rest, MAX_PAGE)):
            last = page[-1].sequence
            yield page
        if last < wanted:
            expected = f"messages up to {wanted}"
            raise Refuted(self.topic_id, last + 1, "the bundle's end", expected=expected, got="nothing")

    async def message(self, sequence: int) -> TopicMessage:
        """As Source says."""
        found = next(islice(self._messages(), sequence - 1, None), None)
        if found is None:
            raise BundleRefused(str(self.path), f"has no message {sequence}")
        return found

    def _messages(self) -> Iterator[TopicMessage]:
        for number, line in self._lines():
            if line.message is None:
                continue
            try:
                message = decode.message(line.message, f"line {number}")
            except MalformedAnswer as error:
                raise self._refused(number, error.reason) from error
            if message.topic_id != self.topic_id:
                raise self._refused(number, f"a message of topic {message.topic_id}, in a bundle of {self.topic_id}")
            yield message

    def _lines(self) -> Iterator[tuple[int, Line]]:
        """With their numbers, from 1."""
        before = -1
        for number, text in _raw(self.path):
            try:
                line = decoded(text)
            except ValueError as error:
                raise self._refused(number, str(error)) from error
            section = line.section
            once = line.bundle is not None or line.end is not None
            if section is None or section < before or (section == before and once):
                raise self._refused(number, "doesn't belong there")
            before = section
            yield number, line

    def _refused(self, number: int, reason: str) -> BundleRefused:
        return BundleRefused(str(self.path), f"line {number}: {reason}")


def _checked(path: Path) -> Header:
    digest, lines, header, last = hashlib.sha256(), 0, None, b""
    for number, text in _raw(path):
        try:
            header = header or header_of(text)
        except ValueError as error:
            raise BundleRefused(str(path), str(error)) from error
        digest.update(last)
        lines, last = number, text
    if header is None:
        raise BundleRefused(str(path), "holds nothing")
    if not last.startswith(b'{"end":'):
        raise BundleRefused(str(path), "is cut off, or something was added: its last line isn't a bundle's end")
    if last != encoded(Line(end=End(lines - 1, digest.hexdigest()))):
        raise BundleRefused(str(path), "was changed or cut off: what it holds isn't what the digest at its end is of")
    return header


def _raw(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        number = 0
        while text := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(text) > MAX_LINE_BYTES:
                raise BundleRefused(str(path), f"line {number}: is longer than the {MAX_LINE_BYTES} bytes of a line")
            yield number, text
