"""The export as an operator runs it: the file is whole, closed to others, and never replaces another unasked."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.commands.exits import CommandFailed
from bridge.commands.export import Exported, exported
from bridge.commands.verify import audited_bundle
from bridge.keys.load import load_keys
from bridge.relay.audit.source import Span
from bridge.relay.audit.verdict import Refuted
from tests.bridge.relay.audit.conftest import EVENTS, published, relayed
from tests.integration.world import World
from topics.devnet.faults import Fault, Field
from topics.errors import IntegrityError

__all__ = ["published", "relayed"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
MESSAGES = EVENTS + 1


async def export(made: World, out: Path, *, with_keys: bool = False, force: bool = False) -> Exported:
    return await exported(made.config, "1", out, with_keys=with_keys, force=force)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def rows(out: Path, section: str) -> list[object]:
    lines = map(json.loads, out.read_text().splitlines())
    return [line[section] for line in lines if section in line]


async def test_what_is_in_it(relayed: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = await export(relayed, out)
    assert (done.messages, done.receipts, done.keys) == (MESSAGES, MESSAGES, 0)
    [(topic_id, topic)] = relayed.devnet.network.mirror.topics.items()
    assert rows(out, "bundle") == [
        {
            "format": "hcs-bridge audit bundle",
            "version": 1,
            "network": "devnet",
            "topic_id": str(topic_id),
            "public_key": load_keys(relayed.config.keys).public.hex(),
        }
    ]
    assert [row["sequence_number"] for row in rows(out, "message")] == list(range(1, MESSAGES + 1))  # type: ignore[index]
    sent = [topic.messages.at(index).payer for index in range(MESSAGES)]
    told = [row["transaction_id"].split("-")[0] for row in rows(out, "receipt")]  # type: ignore[index]
    assert told == [str(payer) for payer in sent]
    assert rows(out, "key") == []


async def test_closed_to_others_and_alone_in_its_folder(relayed: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    await export(relayed, out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert names(tmp_path) == ["out"]


async def test_keys_only_on_request_and_then_said_plainly(relayed: World, tmp_path: Path) -> None:
    done = await export(relayed, tmp_path / "closed")
    assert "no keys in it" in done.as_text()
    done = await export(relayed, tmp_path / "open", with_keys=True)
    assert "1 campaign key(s) in it: WHOEVER HAS THE FILE READS ALL EVENTS" in done.as_text()
    pin = load_keys(relayed.config.keys).public.hex()
    verdict = await audited_bundle(tmp_path / "open", pin=pin, span=Span())
    assert (verdict.result, verdict.counts.events) == ("verified", EVENTS // 2)  # the rest is for user 77 alone
    verdict = await audited_bundle(tmp_path / "closed", pin=pin, span=Span())
    assert (verdict.result, verdict.counts.unopened) == ("unverified", EVENTS)


async def test_it_replaces_nothing_unasked(relayed: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("mine")
    with pytest.raises(CommandFailed, match="is there already") as raised:
        await export(relayed, out)
    assert (raised.value.code, out.read_text()) == (2, "mine")
    await export(relayed, out, force=True)
    assert (len(rows(out, "message")), stat.S_IMODE(out.stat().st_mode)) == (MESSAGES, 0o600)


async def test_where_nothing_can_be_written(relayed: World, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"can't write .*: No such file or directory"):
        await export(relayed, tmp_path / "none" / "out")


async def test_what_does_not_hold_together_leaves_no_file(relayed: World, tmp_path: Path) -> None:
    [topic_id] = relayed.devnet.network.mirror.topics
    relayed.devnet.faults.inject(Fault.MESSAGE_ALTERED, topic=topic_id, sequence=4, field=Field.MESSAGE)
    with pytest.raises(IntegrityError, match="running hash of sequence number 4"):
        await export(relayed, tmp_path / "out")
    relayed.devnet.faults.clear()
    relayed.devnet.faults.inject(Fault.MESSAGE_DROPPED, topic=topic_id, sequence=MESSAGES)
    with pytest.raises(Refuted, match=f"messages up to {MESSAGES}"):
        await export(relayed, tmp_path / "out")
    assert names(tmp_path) == []


async def test_a_mirrors_lie_that_hashes_well_is_kept_and_refuted_by_the_receipts(
    relayed: World, tmp_path: Path
) -> None:
    [topic_id] = relayed.devnet.network.mirror.topics
    relayed.devnet.faults.inject(Fault.MESSAGE_FORGED, topic=topic_id, from_sequence=5)
    await export(relayed, tmp_path / "out")
    verdict = await audited_bundle(tmp_path / "out", pin=None, span=Span())
    assert verdict.fault is not None
    assert (verdict.fault.sequence, verdict.fault.detail) == (5, "running hash against our receipt")


async def test_without_our_database(relayed: World, tmp_path: Path) -> None:
    [topic_id] = relayed.devnet.network.mirror.topics
    nowhere = relayed.config.database.model_copy(update={"url": f"sqlite:///{tmp_path}/none.db"})
    away = replace(relayed, config=relayed.config.model_copy(update={"database": nowhere}))
    done = await exported(away.config, str(topic_id), tmp_path / "out", with_keys=False, force=False)
    assert (done.messages, done.receipts) == (MESSAGES, 0)
    with pytest.raises(CommandFailed, match="--with-keys needs the campaign's database"):
        await exported(away.config, str(topic_id), tmp_path / "keys", with_keys=True, force=False)
    assert names(tmp_path) == ["out"]
