"""The audit as an operator and an auditor run it: what it says of a good topic, and that it finds each kind of lie."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.app import running
from bridge.cli import main
from bridge.commands.exits import CommandFailed
from bridge.commands.export import exported
from bridge.commands.verify import audited, audited_bundle
from bridge.keys.load import load_keys
from bridge.relay.audit.source import Span
from bridge.relay.audit.verdict import Verdict
from tests.bridge.relay.audit.conftest import EVENTS, database_of, published, relayed
from tests.integration.world import World
from topics.devnet.faults import Fault, Field
from topics.errors import Unavailable
from topics.values import TopicId

__all__ = ["published", "relayed"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
MESSAGES = EVENTS + 1
OTHER_KEY = "11" * 32


async def audit(made: World, target: str = "1", *, pin: str | None = None, span: Span = Span()) -> Verdict:  # noqa: B008
    return await audited(made.config, target, pin=pin, span=span)


def change_store(made: World, statement: str, *values: Any) -> None:
    """As somebody with the file in his hands would."""
    with closing(sqlite3.connect(database_of(made))) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


def topic_of(made: World) -> TopicId:
    [topic_id] = made.devnet.network.mirror.topics
    return topic_id


async def test_what_holds_is_verified_in_one_line(relayed: World) -> None:
    requests = len(relayed.devnet.network.mirror.topics[topic_of(relayed)].messages)
    code, out, err = await relayed.command("verify", "1")
    assert (code, err) == (0, "")
    assert out == (
        f"verified: topic {topic_of(relayed)}, 7 messages, 6 events, 0 skipped, 7 signatures, "
        "7 receipts and 6 publications of the store agree\n"
    )
    code, out, _ = await relayed.command("verify", str(topic_of(relayed)), "--json")
    told = json.loads(out)
    assert (code, told["result"], told["messages"], told["fault"]) == (0, "verified", 7, None)
    assert len(relayed.devnet.network.mirror.topics[topic_of(relayed)].messages) == requests == MESSAGES


async def test_beside_a_running_daemon(relayed: World) -> None:
    async with running(relayed.config):
        assert (await audit(relayed)).result == "verified"


async def test_an_altered_message_ends_it_with_where_and_what(relayed: World) -> None:
    relayed.devnet.faults.inject(Fault.MESSAGE_ALTERED, topic=topic_of(relayed), sequence=4, field=Field.MESSAGE)
    code, out, _ = await relayed.command("verify", "1")
    assert code == 1
    assert out.startswith("FAILED at sequence 4: running hash: expected ")
    assert ", got " in out


@pytest.mark.parametrize("fault", [Fault.MESSAGE_DROPPED, Fault.MESSAGE_REPEATED, Fault.MESSAGE_REORDERED])
async def test_what_is_dropped_doubled_or_swapped_is_missed(relayed: World, fault: Fault) -> None:
    relayed.devnet.faults.inject(fault, topic=topic_of(relayed), sequence=4)
    verdict = await audit(relayed)
    assert verdict.fault is not None
    assert verdict.fault.detail == "sequence number"


@pytest.mark.parametrize("from_sequence", [2, MESSAGES])
async def test_a_forged_tail_that_hashes_well_meets_our_receipts(relayed: World, from_sequence: int) -> None:
    relayed.devnet.faults.inject(Fault.MESSAGE_FORGED, topic=topic_of(relayed), from_sequence=from_sequence)
    verdict = await audit(relayed)
    assert verdict.fault is not None
    assert (verdict.fault.sequence, verdict.fault.detail) == (from_sequence, "running hash against our receipt")


async def test_a_mirror_that_keeps_the_end_back_fails(relayed: World) -> None:
    relayed.devnet.faults.inject(Fault.MESSAGE_DROPPED, topic=topic_of(relayed), sequence=MESSAGES)
    verdict = await audit(relayed)
    assert verdict.fault is not None
    assert (verdict.fault.sequence, verdict.fault.expected) == (MESSAGES, f"messages up to {MESSAGES}")


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM publications WHERE channel = 'campaign:1' AND sequence = 4", "nothing"),
        ("DELETE FROM publications WHERE channel = 'user:77' AND sequence = 3", "nothing"),
        ("UPDATE publications SET sequence = 5 WHERE channel = 'campaign:1' AND sequence = 4", "nothing"),
        ("UPDATE publications SET body = x'00' WHERE channel = 'campaign:1' AND sequence = 4", "not"),
        ("UPDATE publications SET event_id = x'00000000000000000000000000000000' WHERE sequence = 4", "00000000-"),
    ],
)
async def test_a_store_that_differs_from_the_ledger_fails(relayed: World, statement: str, found: str) -> None:
    change_store(relayed, statement)
    verdict = await audit(relayed)
    assert verdict.fault is not None
    assert verdict.fault.sequence == (3 if "user" in statement else 4)
    assert verdict.fault.got.startswith(found)


@pytest.mark.parametrize("channel", ["campaign:1", "user:99"])
async def test_what_the_store_has_beyond_the_ledger_fails(relayed: World, channel: str) -> None:
    change_store(
        relayed,
        "INSERT INTO publications SELECT ?, 9999, topic_id, sequence, 7, event_id, consensus_ns, body "
        "FROM publications WHERE channel = 'campaign:1' AND sequence = 4",
        channel,
    )
    verdict = await audit(relayed)
    assert verdict.fault is not None
    assert verdict.fault.detail.startswith("store, index 7" if channel == "campaign:1" else "publications in the store")


async def test_a_position_that_differs_from_the_ledger_fails(relayed: World) -> None:
    change_store(relayed, "UPDATE positions SET running_hash = zeroblob(48)")
    verdict = await audit(relayed)
    assert verdict.fault is not None
    assert (verdict.fault.sequence, verdict.fault.detail) == (MESSAGES, "running hash against what the relay read")


async def test_another_pin_is_not_the_manifests_key(relayed: World) -> None:
    verdict = await audit(relayed, pin=OTHER_KEY)
    assert verdict.fault is not None
    assert (verdict.fault.sequence, verdict.fault.detail) == (1, "manifest")


async def test_part_of_a_topic_begins_with_the_mirrors_word(relayed: World) -> None:
    verdict = await audit(relayed, span=Span(3, 5))
    assert (verdict.result, verdict.counts.messages, verdict.counts.events, verdict.last) == ("verified", 3, 3, 5)
    assert "from sequence 3 on, begun with the mirror's own running hash" in verdict.as_text()
    relayed.devnet.faults.inject(Fault.MESSAGE_ALTERED, topic=topic_of(relayed), sequence=2, field=Field.RUNNING_HASH)
    assert (await audit(relayed, span=Span(3, 5))).result == "failed"
    assert (await audit(relayed, span=Span(4, 5))).result == "verified"


async def test_an_auditor_without_our_database_sees_the_chain_and_the_manifest(relayed: World, tmp_path: Path) -> None:
    topic_id = str(topic_of(relayed))
    key = load_keys(relayed.config.keys).public.hex()
    nowhere = relayed.config.database.model_copy(update={"url": f"sqlite:///{tmp_path}/none.db"})
    keys = relayed.config.keys.model_copy(update={"signing_key_file": tmp_path / "none.key"})
    away = replace(relayed, config=relayed.config.model_copy(update={"database": nowhere, "keys": keys}))
    verdict = await audit(away, topic_id)
    assert (verdict.result, verdict.pinned, verdict.store) == ("unverified", False, False)
    assert "pin the bridge key with --pin" in verdict.as_text()
    verdict = await audit(away, topic_id, pin=key)
    assert (verdict.result, verdict.counts.unopened) == ("unverified", EVENTS)
    assert "no key here opens 6 frames" in verdict.as_text()
    assert (await audit(away, topic_id, pin=OTHER_KEY)).result == "failed"
    with pytest.raises(CommandFailed, match="no topic for campaign 1"):
        await audit(away, "1")
    assert not (tmp_path / "none.db").exists()


async def test_a_halted_topic_is_read_all_the_same(relayed: World) -> None:
    change_store(relayed, "UPDATE positions SET halted = 'a mirror lied'")
    verdict = await audit(relayed)
    assert verdict.result == "verified"
    assert "the relay is halted here (a mirror lied)" in verdict.as_text()


async def test_nothing_in_the_database_changes(relayed: World, tmp_path: Path) -> None:
    shutil.copy(database_of(relayed), tmp_path / "before.db")
    await audit(relayed)
    assert database_of(relayed).read_bytes() == (tmp_path / "before.db").read_bytes()


async def test_what_nobody_knows(relayed: World) -> None:
    with pytest.raises(CommandFailed, match=r"knows no topic 0\.0\.99999"):
        await audit(relayed, "0.0.99999")
    with pytest.raises(CommandFailed, match="no topic for campaign 2"):
        await audit(relayed, "2")
    relayed.devnet.faults.inject(Fault.MIRROR_UNAVAILABLE)
    with pytest.raises(Unavailable):
        await audit(relayed)


async def test_a_bundle_needs_no_more_and_a_pin_is_held_against_it(relayed: World, tmp_path: Path) -> None:
    await exported(relayed.config, "1", tmp_path / "bundle", with_keys=True, force=False)
    verdict = await audited_bundle(tmp_path / "bundle", pin=None, span=Span())
    assert (verdict.result, verdict.pinned, verdict.bundle) == ("unverified", False, "devnet")
    verdict = await audited_bundle(tmp_path / "bundle", pin=load_keys(relayed.config.keys).public.hex(), span=Span())
    assert (verdict.result, verdict.pinned, verdict.counts.signatures) == ("verified", True, MESSAGES)
    verdict = await audited_bundle(tmp_path / "bundle", pin=OTHER_KEY, span=Span())
    assert verdict.fault is not None
    assert (verdict.fault.sequence, verdict.fault.detail) == (1, "manifest")


@pytest.mark.parametrize("arguments", [[], ["1", "--bundle", __file__], ["--bundle", "nowhere"]])
async def test_a_topic_or_a_bundle_and_one_that_is_there(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", *arguments])
    assert ended.value.code == 2
