"""The file that a kept network writes as it goes, and goes on from: what came in, and when it reached consensus.

A magic line, then entries: length and CRC-32 of what follows, both u32, then MessagePack. Nothing is ever changed;
only an entry that a crash cut off at the end is taken away.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from topics.errors import TopicsError

FILE = "ledger.journal"
MAGIC = b"hcs-bridge devnet journal 1\n"
_HEAD = struct.Struct(">II")
_BUFFER_BYTES = 1 << 20


class Begun(msgspec.Struct, frozen=True, tag=0, array_like=True):
    """The first entry: when the network began, its operator's private key, DER as hex, and that one's tinybar."""

    genesis_ns: int
    operator_key: str
    balance: int


class Started(msgspec.Struct, frozen=True, tag=1, array_like=True):
    """The network is up (again), with this exchange rate."""

    hbar_equivalent: int
    cent_equivalent: int


class Opened(msgspec.Struct, frozen=True, tag=2, array_like=True):
    """An account out of nothing; `key` is the protobuf's bytes."""

    key: bytes
    balance: int
    now_ns: int


class Taken(msgspec.Struct, frozen=True, tag=3, array_like=True):
    """A node (its account's number) took a transaction, to reach consensus at `due_ns`, or to end with BUSY then."""

    due_ns: int
    node: int
    busy: bool
    transaction: bytes


class Ran(msgspec.Struct, frozen=True, tag=4, array_like=True):
    """The oldest of those that were taken reached consensus. `verdict` let it run or not; `status` is how it ended."""

    consensus_ns: int
    verdict: int
    status: int


Entry = Begun | Started | Opened | Taken | Ran
_DECODER = msgspec.msgpack.Decoder(Entry)
_ENCODER = msgspec.msgpack.Encoder()


class JournalHeld(TopicsError):
    """Nothing was started: another network keeps itself in this directory."""

    hint = "stop it, or choose another directory"

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} is in use by another devnet")


class JournalDamaged(TopicsError):
    """Nothing was started: the file isn't what a network of this version wrote."""

    hint = "choose another directory, or start anew with --fresh, which throws the kept network away"

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path} can't be read as a devnet's journal: {reason}")


class Journal:
    """One network's file, locked until `close`. First read all entries, then add."""

    def __init__(self, directory: Path, *, fresh: bool = False) -> None:
        """Open, or begin. Raises JournalHeld, JournalDamaged (not a journal), OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / FILE
        # It holds a private key.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "r+b", buffering=_BUFFER_BYTES)
        try:
            self._lock()
            if fresh:
                self._file.truncate(0)
        except BaseException:
            self._file.close()
            raise

    def entries(self) -> Iterator[Entry]:
        """Everything that was kept, oldest first. Raises JournalDamaged."""
        self._file.seek(0, os.SEEK_END)
        size = self._file.tell()
        self._file.seek(0)
        magic = self._file.read(len(MAGIC))
        if magic != MAGIC:
            if not MAGIC.startswith(magic):
                raise JournalDamaged(self.path, "it begins with something else")
            self._cut(0)
            self._file.write(MAGIC)
            return
        good = len(MAGIC)
        while good < size:
            payload = self._payload(size - good)
            if payload is None:
                self._cut(good)
                return
            yield self._decoded(payload)
            good += _HEAD.size + len(payload)

    def add(self, entry: Entry) -> None:
        """Write behind all others; it is in the file after `flush` at the latest."""
        payload = _ENCODER.encode(entry)
        self._file.write(_HEAD.pack(len(payload), zlib.crc32(payload)) + payload)

    def flush(self) -> None:
        """Hand everything to the operating system: a killed process loses nothing of it. A dead machine may."""
        self._file.flush()

    def close(self) -> None:
        """Flush, and let others have it."""
        self._file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JournalHeld(self.path) from error

    def _payload(self, left: int) -> bytes | None:
        """The next entry's bytes; None where the file was cut off while it was written. Raises JournalDamaged."""
        head = self._file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        length, checksum = _HEAD.unpack(head)
        if length > left - _HEAD.size:
            return None
        payload = self._file.read(length)
        if length and zlib.crc32(payload) == checksum:
            return payload
        end = self._file.tell()
        # Nothing behind it, or the zeros of blocks that the file system gave out and never filled.
        if not any(self._file.read()):
            return None
        raise JournalDamaged(self.path, f"the entry that ends at byte {end} is spoilt")

    def _decoded(self, payload: bytes) -> Entry:
        try:
            entry: Entry = _DECODER.decode(payload)
        except msgspec.MsgspecError as error:
            raise JournalDamaged(self.path, str(error)) from error
        return entry

    def _cut(self, at: int) -> None:
        self._file.seek(at)
        self._file.truncate()
