"""`hcs-bridge publish`: hands a file of changes to the daemon, resumable, and tells what was refused and why."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from bridge.commands.door import Answer, Door
from bridge.commands.exits import FAILED, CommandFailed

BATCH_EVENTS = 200  # fixed: the batches of a second run must be those of the first, or resuming would double
BATCH_BYTES = 256 * 1024
EVENTS_PATH = "/v1/events"
REFUSALS = frozenset({400, 413, 422})
JSON = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file that reads as JSON: its number from 1, and its bytes."""

    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not taken: its number, and why, one text for each fault."""

    number: int
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Summary:
    """What became of the lines so far."""

    accepted: int = 0
    refused: list[RefusedLine] = field(default_factory=list)


class Publisher:
    """Sends lines in order, batch by batch; `on_refused` and `on_progress(bytes)` tell the terminal."""

    def __init__(
        self,
        door: Door,
        *,
        label: str = "",
        on_refused: Callable[[RefusedLine], None] = lambda line: None,
        on_progress: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._door = door
        self._label = label
        self._on_refused = on_refused
        self._on_progress = on_progress
        self.summary = Summary()

    async def publish(self, lines: Iterable[bytes], *, max_events: int, max_bytes: int) -> Summary:
        """Send all lines. Raises CommandFailed when the daemon stays away; running it again resumes."""
        limits = min(max_events, BATCH_EVENTS), min(max_bytes // 2, BATCH_BYTES)
        for batch, size in _batches(self._readable(lines), *limits):
            await self._send(batch)
            self._on_progress(size)
        return self.summary

    def _readable(self, lines: Iterable[bytes]) -> Iterator[Line]:
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            try:
                JSON.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self._refuse(number, (f"not JSON: {error}",))
            else:
                yield Line(number, text.strip())

    async def _send(self, batch: list[Line]) -> None:
        """Post a batch; what the daemon refuses in it is left out, and the rest posted again."""
        while batch:
            body = b"[" + b",".join(line.text for line in batch) + b"]"
            key = idempotency_key(self._label, batch[0].number, body)
            answer = await self._door.post(EVENTS_PATH, body, idempotency_key=key)
            if answer.status == 202:
                self.summary.accepted += len(batch)
                return
            reasons = _reasons(answer, len(batch))
            if answer.status not in REFUSALS and not reasons:
                raise CommandFailed(f"line {batch[0].number}: the daemon answers {answer.reason()}", code=FAILED)
            if reasons or len(batch) == 1:
                batch = self._without_refused(batch, reasons or {0: (answer.reason(),)})
            else:  # the whole body displeased, by its size perhaps: find out which line it is
                half = len(batch) // 2
                await self._send(batch[:half])
                batch = batch[half:]

    def _without_refused(self, batch: list[Line], reasons: dict[int, tuple[str, ...]]) -> list[Line]:
        for index, texts in sorted(reasons.items()):
            self._refuse(batch[index].number, texts)
        return [line for index, line in enumerate(batch) if index not in reasons]

    def _refuse(self, number: int, reasons: tuple[str, ...]) -> None:
        line = RefusedLine(number, reasons)
        self.summary.refused.append(line)
        self._on_refused(line)


def idempotency_key(label: str, first_line: int, body: bytes) -> str:
    """The same for the same lines at the same place of the same run, so that the daemon knows them again."""
    digest = hashlib.sha256()
    for part in (label.encode(), str(first_line).encode(), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _batches(lines: Iterable[Line], max_events: int, max_bytes: int) -> Iterator[tuple[list[Line], int]]:
    batch: list[Line] = []
    size = 0
    for line in lines:
        if batch and (len(batch) >= max_events or size + len(line.text) + 1 > max_bytes):
            yield batch, size
            batch, size = [], 0
        batch.append(line)
        size += len(line.text) + 1
    if batch:
        yield batch, size


def _reasons(answer: Answer, count: int) -> dict[int, tuple[str, ...]]:
    """Index in the batch → faults, as far as the answer tells."""
    found: dict[int, tuple[str, ...]] = {}
    for problem in answer.problems():
        index = problem.get("index")
        if isinstance(index, int) and 0 <= index < count:
            text = f"{problem.get('field') or 'event'}: {problem.get('rule', 'refused')}"
            found[index] = (*found.get(index, ()), text)
    return found
