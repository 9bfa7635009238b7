"""A bundle says what was written into it; cut off, changed, foreign or senseless it is refused, and why is said."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge import config_sections as sections
from bridge.relay.audit import bundle as room
from bridge.relay.audit.bundle import Bundle, BundleRefused
from bridge.relay.audit.bundle_lines import Header, Writer
from bridge.relay.audit.judge import Rules
from bridge.relay.audit.reading import Audit, OnRecord
from bridge.relay.audit.receipts import Receipt, Receipts
from bridge.relay.audit.source import Span
from bridge.relay.audit.verdict import Verdict
from tests.bridge.protocol.samples import CAMPAIGN, NETWORK, PUBLIC_KEY, TOPIC
from tests.bridge.relay.topic_history import FRAMES, MANIFEST, PAYER, History, Sent, edits, histories, on_ledger
from topics.devnet.mirror_rows import message_row
from topics.values import TopicMessage, TransactionId

MESSAGES = on_ledger(Sent(content, PAYER) for content in (MANIFEST, *FRAMES))
HEADER = Header(network="devnet", topic_id=str(TOPIC), public_key=PUBLIC_KEY.hex())


def receipts_of(messages: Sequence[TopicMessage]) -> list[Receipt]:
    return [
        Receipt(frame, 1, TransactionId(PAYER, each.consensus_ns), each.sequence, each.running_hash)
        for frame, each in enumerate(messages)
    ]


def written(
    path: Path, messages: Sequence[TopicMessage] = MESSAGES, *, receipts: Sequence[Receipt] = (), with_key: bool = True
) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, HEADER)
        if with_key:
            writer.key(CAMPAIGN.key)
        for receipt in receipts:
            writer.receipt(receipt)
        for message in messages:
            writer.message(message_row(message))
        writer.end()
    return path


def sealed_anew(path: Path, edit: Callable[[list[bytes]], object]) -> Path:
    """The lines before the end as `edit` leaves them, under a digest that is right: as a forger would."""
    lines = path.read_bytes().splitlines(keepends=True)[:-1]
    edit(lines)
    end = {"end": {"lines": len(lines), "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}}
    path.write_bytes(b"".join(lines) + json.dumps(end, separators=(",", ":")).encode() + b"\n")
    return path


async def judged(path: Path, *, pinned: bool = True, span: Span = Span()) -> Verdict:  # noqa: B008
    bundle = Bundle.opened(path)
    newest = max((receipt.sequence for receipt in bundle.receipts()), default=0)
    record = OnRecord(bundle.keys(), Receipts(TOPIC, bundle.receipts(first=span.first), newest=newest))
    rules = Rules(NETWORK, TOPIC, PUBLIC_KEY, sections.Relay())
    return await Audit(bundle, rules, span, record, pinned=pinned, bundle=True).run()


async def test_what_is_written_is_read(tmp_path: Path) -> None:
    bundle = Bundle.opened(written(tmp_path / "b", receipts=receipts_of(MESSAGES)))
    assert (bundle.header, bundle.topic_id) == (HEADER, TOPIC)
    assert list(bundle.receipts()) == receipts_of(MESSAGES)
    assert [message async for page in bundle.pages(Span(), 0) for message in page] == list(MESSAGES)
    keys = bundle.keys()
    assert keys is not None
    assert keys.epoch(CAMPAIGN.kid) == CAMPAIGN.key


async def test_it_holds_with_keys_and_lacks_what_it_has_no_key_for(tmp_path: Path) -> None:
    receipts = receipts_of(MESSAGES)
    verdict = await judged(written(tmp_path / "b", receipts=receipts))
    assert (verdict.result, verdict.counts.frames, verdict.counts.receipts) == ("verified", 8, 9)
    assert verdict.as_text().startswith(f"verified: topic {TOPIC} of devnet, 9 messages, ")
    assert verdict.as_text().endswith("9 receipts in the bundle agree")
    verdict = await judged(written(tmp_path / "b"), pinned=False)
    assert (verdict.result, "the key's that is named in the bundle itself" in verdict.lacking) == ("unverified", True)
    verdict = await judged(written(tmp_path / "b", with_key=False))
    assert (verdict.result, verdict.counts.unopened) == ("unverified", 8)


async def test_a_part_of_it(tmp_path: Path) -> None:
    path = written(tmp_path / "b", receipts=receipts_of(MESSAGES))
    verdict = await judged(path, span=Span(3, 5))
    assert (verdict.result, verdict.counts.messages, verdict.counts.receipts, verdict.last) == ("verified", 3, 3, 5)
    assert "begun with the bundle's own running hash" in verdict.as_text()
    with pytest.raises(BundleRefused, match="has no message 11"):
        await judged(path, span=Span(12))
    verdict = await judged(path, span=Span(1, 20))
    assert verdict.fault is not None
    assert (verdict.fault.sequence, verdict.fault.detail) == (10, "the bundle's end")


async def test_receipts_that_messages_do_not_bear_out(tmp_path: Path) -> None:
    receipts = receipts_of(MESSAGES)
    verdict = await judged(written(tmp_path / "b", MESSAGES[:6], receipts=receipts))
    assert verdict.fault is not None
    assert (verdict.fault.sequence, verdict.fault.expected) == (7, "messages up to 9")
    other = [*receipts[:4], Receipt(4, 1, TransactionId(PAYER, 1), 5, bytes(48)), *receipts[5:]]
    verdict = await judged(written(tmp_path / "b", receipts=other))
    assert verdict.fault is not None
    assert (verdict.fault.sequence, verdict.fault.detail) == (5, "running hash against our receipt")


@given(histories(), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
def test_edits_that_a_forger_seals_anew_are_found(tmp_path: Path, history: History, data: st.DataObject) -> None:
    edited = data.draw(edits(history.messages))
    path = written(tmp_path / "b", edited, receipts=receipts_of(history.messages))
    if edited == history.messages:
        return
    try:
        verdict = asyncio.run(judged(path))
    except BundleRefused as refused:
        assert "a message of topic" in str(refused)  # noqa: PT017
        return
    unhashed = [each.running_hash for each in edited] == [each.running_hash for each in history.messages]
    assert verdict.result != "verified" or unhashed  # chunk info is in no hash


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
def test_one_changed_byte_anywhere_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(written(tmp_path / "good", receipts=receipts_of(MESSAGES)).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(BundleRefused):
        Bundle.opened(tmp_path / "bad")


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_a_part_or_more_than_all_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    content = written(tmp_path / "good").read_bytes()
    cut = data.draw(st.integers(0, len(content) - 1))
    (tmp_path / "bad").write_bytes(content[:cut])
    with pytest.raises(BundleRefused, match=r"cut off|holds nothing|isn't an audit bundle"):
        Bundle.opened(tmp_path / "bad")
    (tmp_path / "bad").write_bytes(content + data.draw(st.sampled_from([b"\n", b"x", content])))
    with pytest.raises(BundleRefused, match="cut off"):
        Bundle.opened(tmp_path / "bad")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds nothing"),
        (b"\x00\xff\xfe", "isn't an audit bundle"),
        (b'{"some":"json"}\n', "isn't an audit bundle"),
        (b'{"bundle":{"format":"another","version":1}}\n', "isn't an audit bundle"),
        (
            b'{"bundle":{"format":"hcs-bridge audit bundle","version":2,"new":[]}}\n',
            "version 2, and this program reads 1",
        ),
        (b"[" * 9000 + b"\n", "isn't an audit bundle"),
        (b"x" * 10_000_000, "line 1: is longer than"),
        (b'{"bundle":{"format":"hcs-bridge audit bundle","version":1,"network":"moon"}}\n', "network"),
    ],
)
def test_what_is_none(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(BundleRefused, match=why):
        Bundle.opened(tmp_path / "b")


def test_a_pipe_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "b")
    with pytest.raises(BundleRefused, match="isn't a file"):
        Bundle.opened(tmp_path / "b")


def row(**changed: object) -> bytes:
    return json.dumps({"message": message_row(MESSAGES[0]) | changed}).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"[" * 9000 + b"\n", "line 3: "),
        (b'"\xff"\n', "line 3: "),
        (b'{"\\u001b[31m":1}\n', r"line 3: .*\\x1b\[31m"),
        (b"{}\n", "line 3: doesn't belong there"),
        (b'{"key":"00"}\n', "line 3: "),
        (b'{"bundle":{"network":"devnet","topic_id":"0.0.7001"}}\n', "line 3: doesn't belong there"),
        (b'{"end":{"lines":1,"sha256":""}}\n', "line 4: doesn't belong there"),
        (row(sequence_number=-1), "line 3: sequence_number is -1"),
        (row(sequence_number=2**70), "line 3: sequence_number is"),
        (row(message="%%%"), "line 3: message is no base64"),
        (row(topic_id="0.0.7"), r"line 3: a message of topic 0\.0\.7, in a bundle of 0\.0\.7001"),
        (
            b'{"receipt":{"frame":0,"chunk":1,"transaction_id":"x","sequence_number":1,"running_hash":""}}\n',
            "line 3: 'x'",
        ),
        (
            b'{"receipt":{"frame":0,"chunk":1,"transaction_id":"0.0.7-1-1","sequence_number":1,"running_hash":"AA=="}}\n',
            "line 3: a running hash has 48 bytes, not 1",
        ),
    ],
)
async def test_a_forged_line(tmp_path: Path, line: bytes, why: str) -> None:
    path = sealed_anew(written(tmp_path / "b"), lambda lines: lines.insert(2, line))
    with pytest.raises(BundleRefused, match=why) as raised:
        await judged(path)
    assert str(raised.value).isprintable()


async def test_sections_in_another_order(tmp_path: Path) -> None:
    path = sealed_anew(written(tmp_path / "b"), lambda lines: lines.append(lines.pop(1)))
    with pytest.raises(BundleRefused, match=r"line 11: doesn't belong there"):
        await judged(path)


async def test_two_ends(tmp_path: Path) -> None:
    path = sealed_anew(written(tmp_path / "b"), lambda lines: lines.append(b'{"end":{"lines":1,"sha256":""}}\n'))
    with pytest.raises(BundleRefused, match=r"line 13: doesn't belong there"):
        await judged(path)


async def test_more_keys_than_a_campaign_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_KEYS", 3)
    path = sealed_anew(written(tmp_path / "b"), lambda lines: lines.__setitem__(slice(1, 2), [lines[1]] * 4))
    with pytest.raises(BundleRefused, match="line 5: more than 3 keys"):
        await judged(path)
