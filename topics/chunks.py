"""Messages longer than HCS takes at once: cut into chunks, and put together again from whatever comes.

Pure. Nothing on the network ties later chunks to an earlier one, nor forces order or completeness, and other
writers' messages stand in between (ConsensusMessageChunkInfo, consensus_submit_message.proto).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from topics.values import NANOS, START, AccountId, Position, TopicMessage, TransactionId

CHUNK_BYTES = 1024
"""What HCS takes in one transaction."""

_OVERHEAD_BYTES = 200  # of a chunk kept, so that very many very small ones are bounded too


def split(message: bytes, chunk_bytes: int = CHUNK_BYTES) -> list[bytes]:
    """The chunks of `message`, in order; all but the last are full. Raises ValueError: HCS takes no empty message."""
    if not message:
        raise ValueError("a message has at least one byte")
    return [message[at : at + chunk_bytes] for at in range(0, len(message), chunk_bytes)]


@dataclass(frozen=True, slots=True)
class Whole:
    """A complete message. Sequence, time and hash are those of its last chunk in consensus order."""

    data: bytes
    sequence: int
    consensus_ns: int
    running_hash: bytes
    first_sequence: int
    payer: AccountId | None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A message that was never finished, as far as it came. It stops nobody.

    `reason` is "expired"; "full" for one that had to make room; "too long" for one that there never will be room for.
    """

    payer: AccountId
    initial: TransactionId
    first_sequence: int
    numbers: tuple[int, ...]
    total: int
    reason: str


@dataclass(slots=True)
class _Open:
    before: Position
    first: TopicMessage
    total: int
    chunks: dict[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(len(chunk) + _OVERHEAD_BYTES for chunk in self.chunks.values())


_Key = tuple[AccountId, TransactionId]


class Assembler:
    """Puts the messages of one topic together; fed with every message of the topic, verified, in order.

    Started again at `resume` it completes and buries the same messages at the same places.
    An unfinished message expires when it is old by consensus time *and* far back by sequence number, so neither
    a busy topic nor a long pause of its writer loses it; our own clock has no say. Where there is no room for more, the
    payer who holds most of it loses the oldest of its messages: who floods a topic buries its own.
    """

    def __init__(self, *, max_open_bytes: int, expire_sequences: int, expire_s: float) -> None:
        self._max_open_bytes = max_open_bytes
        self._expire_sequences = expire_sequences
        self._expire_ns = int(expire_s * NANOS)
        self._open: dict[_Key, _Open] = {}  # oldest first
        self._held: dict[AccountId, int] = {}  # bytes, by payer
        self._idle_until = START  # since there, something has been unfinished all the time
        self._tombstones: list[Tombstone] = []
        self.open_bytes = 0
        """What unfinished messages hold in memory."""
        self.duplicates = 0
        """Chunks that came again, byte for byte."""
        self.conflicts = 0
        """Chunks that contradict an earlier one of their message, or themselves; dropped."""
        self.buried = 0
        """Messages that became tombstones."""

    @property
    def resume(self) -> Position | None:
        """Where to begin again; None if nothing is unfinished.

        The last place at which nothing was, so that a message whose chunks stand on both sides isn't seen by half. If
        that is more than `expire_sequences` back, it is just before the oldest unfinished message: chunks of another
        that was complete before, or buried, look unfinished then, expire, and are counted for it.
        """
        if not self._open:
            return None
        oldest = next(iter(self._open.values())).before
        return oldest if oldest.sequence - self._idle_until.sequence > self._expire_sequences else self._idle_until

    @property
    def unfinished(self) -> dict[TransactionId, set[int]]:
        """The numbers of the chunks that are here, of each message that lacks others."""
        return {initial: set(entry.chunks) for (_, initial), entry in self._open.items()}

    def add(self, message: TopicMessage, before: Position) -> Whole | None:
        """Take the next message, which follows `before`; the message that it completes comes back."""
        self._tombstones = []
        self._expire(message)
        if not self._open:
            self._idle_until = before
        info = message.chunk
        if info is None or (info.number, info.total) == (1, 1):
            return _whole(message, message.message, message.sequence)
        if not 1 <= info.number <= info.total:
            self.conflicts += 1
            return None
        # the running hash covers the payer, and not the chunk info: nobody adds to another's message
        key = (message.payer or info.initial.payer, info.initial)
        if info.total * (1 + _OVERHEAD_BYTES) > self._max_open_bytes and key not in self._open:
            self._mark(key, message.sequence, (info.number,), info.total, "too long")
            return None
        entry = self._open.get(key)
        if entry is None:
            entry = self._open[key] = _Open(before, message, info.total)
        if not self._keep(key, info.number, info.total, message.message):
            return None
        if len(entry.chunks) == entry.total:
            self._close(key)
            joined = b"".join(entry.chunks[number] for number in range(1, entry.total + 1))
            return _whole(message, joined, entry.first.sequence)
        while self.open_bytes > self._max_open_bytes:
            most = max(self._held.values())
            self._bury(next(key for key in self._open if self._held[key[0]] == most), "full")
        return None

    def take_tombstones(self) -> list[Tombstone]:
        """Those that the last `add` made, oldest first; they are kept no longer, so what is read again adds none."""
        taken, self._tombstones = self._tombstones, []
        return taken

    def _keep(self, key: _Key, number: int, total: int, chunk: bytes) -> bool:
        """Whether the chunk is news: the first with its number counts."""
        entry = self._open[key]
        known = entry.chunks.get(number)
        if total != entry.total or (known is not None and known != chunk):
            self.conflicts += 1
            return False
        if known is not None:
            self.duplicates += 1
            return False
        entry.chunks[number] = chunk
        self._hold(key[0], len(chunk) + _OVERHEAD_BYTES)
        return True

    def _expire(self, newest: TopicMessage) -> None:
        while self._open:
            oldest = next(iter(self._open.values())).first
            if (
                newest.sequence - oldest.sequence <= self._expire_sequences
                or newest.consensus_ns - oldest.consensus_ns <= self._expire_ns
            ):
                return
            self._bury(next(iter(self._open)), "expired")

    def _bury(self, key: _Key, reason: str) -> None:
        entry = self._close(key)
        self._mark(key, entry.first.sequence, tuple(sorted(entry.chunks)), entry.total, reason)

    def _mark(self, key: _Key, first_sequence: int, numbers: tuple[int, ...], total: int, reason: str) -> None:
        payer, initial = key
        self._tombstones.append(Tombstone(payer, initial, first_sequence, numbers, total, reason))
        self.buried += 1

    def _close(self, key: _Key) -> _Open:
        entry = self._open.pop(key)
        self._hold(key[0], -entry.size)
        return entry

    def _hold(self, payer: AccountId, more: int) -> None:
        self.open_bytes += more
        held = self._held.pop(payer, 0) + more
        if held:
            self._held[payer] = held


def _whole(last: TopicMessage, data: bytes, first_sequence: int) -> Whole:
    return Whole(data, last.sequence, last.consensus_ns, last.running_hash, first_sequence, last.payer)
