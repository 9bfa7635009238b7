"""What this process and the one that holds the Java SDK say to each other: MessagePack behind a length of four bytes.

The operator's key is no part of it: transactions come signed.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

MAX_FRAME_BYTES = 1 << 20
"""Far above any transaction (6144 bytes) or receipt; a longer length is nonsense on the pipe."""

_LENGTH_BYTES = 4


class Target(msgspec.Struct, frozen=True):
    """A node: its account, `host:port`, and for TLS the address book (proto: NodeAddressBook) that has its hash."""

    account: str
    address: str
    book: bytes = b""


class Carry(msgspec.Struct, tag=True, frozen=True):
    """Take this signed transaction (proto: Transaction) to the node that it names."""

    number: int
    node: Target
    timeout_s: float
    transaction: bytes


class AskReceipt(msgspec.Struct, tag=True, frozen=True):
    """Ask the node once for the receipt of `transaction_id` (`0.0.P@s.n`)."""

    number: int
    node: Target
    timeout_s: float
    transaction_id: str


class AskBalance(msgspec.Struct, tag=True, frozen=True):
    """Ask the node for the balance of `account`."""

    number: int
    node: Target
    timeout_s: float
    account: str


class Ready(msgspec.Struct, tag=True, frozen=True):
    """The SDK is loaded; `version` is the package's."""

    version: str


class Answer(msgspec.Struct, tag=True, frozen=True):
    """What the node said: the precheck status, a name of ResponseCodeEnum, and the proto of what was asked for.

    An AskReceipt is answered OK without a body while consensus is pending.
    """

    number: int
    status: str
    body: bytes = b""


class NoAnswer(msgspec.Struct, tag=True, frozen=True):
    """The node could not be heard; it may have taken the transaction."""

    number: int
    reason: str


Request = Carry | AskReceipt | AskBalance
Reply = Answer | NoAnswer

_T = TypeVar("_T")
_packer = msgspec.msgpack.Encoder()


class BrokenPipeTalk(ValueError):
    """A frame's length is nonsense: something else has written to the pipe."""


def frame(value: Request | Ready | Reply) -> bytes:
    """The bytes of one frame."""
    packed = _packer.encode(value)
    return len(packed).to_bytes(_LENGTH_BYTES, "big") + packed


class Frames(Generic[_T]):
    """Cuts what arrives, in pieces of any size, into values. Holds the rest."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[_T]) -> None:
        self._decoder = decoder
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[_T]:
        """The values that `data` completes, in order. Raises BrokenPipeTalk."""
        self._rest += data
        found = []
        while len(self._rest) >= _LENGTH_BYTES:
            size = int.from_bytes(self._rest[:_LENGTH_BYTES], "big")
            if size > MAX_FRAME_BYTES:
                raise BrokenPipeTalk(f"a frame of {size} bytes, at most {MAX_FRAME_BYTES} are possible")
            if len(self._rest) < _LENGTH_BYTES + size:
                break
            found.append(self._decoder.decode(self._rest[_LENGTH_BYTES : _LENGTH_BYTES + size]))
            del self._rest[: _LENGTH_BYTES + size]
        return found


def requests() -> Frames[Request]:
    """For the child."""
    return Frames(msgspec.msgpack.Decoder(Request))


def replies() -> Frames[Ready | Reply]:
    """For who started it."""
    return Frames(msgspec.msgpack.Decoder(Ready | Reply))
