"""The lines of an audit bundle (docs/audit-bundle.md): what each may hold, as bytes and back, and who writes them."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, BinaryIO, Final, Literal

import msgspec

from bridge.errors import IntegrityBroken
from bridge.protocol.values import KEY_BYTES
from bridge.relay.audit.receipts import Receipt
from topics.values import HASH_BYTES, TransactionId

FORMAT: Final = "hcs-bridge audit bundle"
VERSION: Final = 1
MAX_LINE_BYTES = 16_384
"""Of a line, with its end. A message of 1024 bytes takes some 2000."""
MAX_TOLD_CHARS = 200
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Key = Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{{2 * KEY_BYTES}}}$")]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the bundle says it is. `public_key` is the bridge's own word for its key; None where it had none at hand."""

    format: Literal["hcs-bridge audit bundle"] = FORMAT
    version: Literal[1] = VERSION
    network: Literal["devnet", "mainnet", "testnet", "previewnet", "custom"]
    topic_id: str
    public_key: Key | None = None


class ReceiptLine(msgspec.Struct, forbid_unknown_fields=True):
    """A receipt, without the bytes that were sent: the running hash stands for them."""

    frame: Count
    chunk: Count
    transaction_id: str
    sequence_number: Count
    running_hash: bytes

    def read(self) -> Receipt:
        """Raises ValueError."""
        transaction_id = TransactionId.parse(self.transaction_id)
        if len(self.running_hash) != HASH_BYTES:
            raise ValueError(f"a running hash has {HASH_BYTES} bytes, not {len(self.running_hash)}")
        return Receipt(self.frame, self.chunk, transaction_id, self.sequence_number, self.running_hash)


class End(msgspec.Struct, forbid_unknown_fields=True):
    """How many lines stand before it, and the SHA-256 of all their bytes."""

    lines: int
    sha256: str


class Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Has one of these; lines come in this order. `message` is a mirror's row as it came, `key` a campaign's epoch."""

    bundle: Header | None = None
    key: Key | None = None
    receipt: ReceiptLine | None = None
    message: dict[str, Any] | None = None
    end: End | None = None

    @property
    def section(self) -> int | None:
        """Which field there is, from 0; None unless there is just one."""
        present = [place for place, name in enumerate(self.__struct_fields__) if getattr(self, name) is not None]
        return present[0] if len(present) == 1 else None


class _Named(msgspec.Struct):
    format: str
    version: int


class _AnyHeader(msgspec.Struct):
    """The header of any version, as far as all have it."""

    bundle: _Named


def encoded(line: Line) -> bytes:
    """With its end."""
    return msgspec.json.encode(line) + b"\n"


def decoded(text: bytes) -> Line:
    """Raises ValueError, in words fit for a terminal whatever names of its own the line has."""
    try:
        return msgspec.json.decode(text, type=Line)
    except UNREADABLE as error:
        raise ValueError(str(error).encode("unicode_escape").decode()[:MAX_TOLD_CHARS]) from error


def header_of(text: bytes) -> Header:
    """The first line. Raises ValueError for that of another format or version."""
    try:
        named = msgspec.json.decode(text, type=_AnyHeader).bundle
    except UNREADABLE as error:
        raise ValueError("isn't an audit bundle of hcs-bridge") from error
    if named.format != FORMAT:
        raise ValueError("isn't an audit bundle of hcs-bridge")
    if named.version != VERSION:
        raise ValueError(f"is a bundle of version {named.version}, and this program reads {VERSION}")
    header = decoded(text).bundle
    if header is None:
        raise ValueError("has no header")
    return header


class Writer:
    """Writes a bundle to `file`, as what is told arrives: keys, receipts, messages, then the end."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._lines = 0
        self._write(Line(bundle=header))

    def key(self, key: bytes) -> None:
        """A campaign's epoch."""
        self._write(Line(key=key.hex()))

    def receipt(self, receipt: Receipt) -> None:
        """In the order of the frames."""
        transaction = str(receipt.transaction_id)
        line = ReceiptLine(receipt.frame, receipt.chunk, transaction, receipt.sequence, receipt.running_hash)
        self._write(Line(receipt=line))

    def message(self, row: dict[str, Any]) -> None:
        """As the mirror gave it."""
        self._write(Line(message=row))

    def end(self) -> None:
        """Nothing may come behind."""
        self._write(Line(end=End(self._lines, self._digest.hexdigest())))

    def _write(self, line: Line) -> None:
        text = encoded(line)
        if len(text) > MAX_LINE_BYTES:
            raise IntegrityBroken("what is to be exported", f"{text[:60]!r}… is longer than a bundle's lines may be")
        self._digest.update(text)
        self._lines += 1
        self._file.write(text)
