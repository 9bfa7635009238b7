"""Lines as bytes: one field each, the same bytes every time, and what no reader would take is not written."""

from __future__ import annotations

import hashlib
from io import BytesIO

import pytest

from bridge.errors import IntegrityBroken
from bridge.relay.audit.bundle_lines import MAX_LINE_BYTES, Header, Line, Writer, decoded, encoded, header_of
from bridge.relay.audit.receipts import Receipt
from topics.values import AccountId, TransactionId

HEADER = Header(network="devnet", topic_id="0.0.7001")
RECEIPT = Receipt(1, 2, TransactionId(AccountId(0, 0, 1001), 5), 3, b"\1" * 48)
FIRST = (
    b'{"bundle":{"format":"hcs-bridge audit bundle","version":1,"network":"devnet","topic_id":"0.0.7001",'
    b'"public_key":null}}\n'
)


def test_what_is_written_byte_for_byte() -> None:
    file = BytesIO()
    writer = Writer(file, HEADER)
    writer.key(bytes(32))
    writer.receipt(RECEIPT)
    writer.message({"any": [1, None]})
    before = file.getvalue()
    writer.end()
    lines = before.splitlines(keepends=True)
    assert lines[0] == FIRST
    assert lines[1] == b'{"key":"' + b"00" * 32 + b'"}\n'
    assert lines[2] == (
        b'{"receipt":{"frame":1,"chunk":2,"transaction_id":"0.0.1001-0-000000005","sequence_number":3,'
        b'"running_hash":"' + b"AQEB" * 16 + b'"}}\n'
    )
    assert lines[3] == b'{"message":{"any":[1,null]}}\n'
    digest = hashlib.sha256(before).hexdigest().encode()
    assert file.getvalue() == before + b'{"end":{"lines":4,"sha256":"' + digest + b'"}}\n'


def test_there_and_back() -> None:
    assert header_of(FIRST) == HEADER
    line = Line(key="00" * 32)
    assert (decoded(encoded(line)), line.section) == (line, 1)
    file = BytesIO()
    Writer(file, HEADER).receipt(RECEIPT)
    row = decoded(file.getvalue().splitlines()[1]).receipt
    assert row is not None
    assert row.read() == RECEIPT


def test_two_fields_are_in_no_section() -> None:
    assert Line(key="00" * 32, message={}).section is None
    assert Line().section is None


def test_what_no_reader_would_take_is_not_written() -> None:
    file = BytesIO()
    writer = Writer(file, HEADER)
    with pytest.raises(IntegrityBroken, match="longer than"):
        writer.message({"more": "x" * MAX_LINE_BYTES})
    assert file.getvalue() == FIRST
