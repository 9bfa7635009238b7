"""The whole ledger in rows, before the mirror has it."""

from __future__ import annotations

from tests.topics.devnet.ground import Ground
from topics.devnet.ledger_rows import ledger_rows


def test_everything_is_there_at_once() -> None:
    ground = Ground(mirror_delay_s=5)
    full, empty = ground.create_topic(memo="full"), ground.create_topic()
    for content in (b"one", b"two"):
        ground.run(ground.submit(full, content))
    assert len(ground.network.mirror.transactions()) == 0
    rows = ledger_rows(ground.network)
    assert [(each["topic_id"], each["memo"], each["sequence_number"]) for each in rows["topics"]] == [
        (str(full), "full", 2),
        (str(empty), "hcs-bridge:1", 0),
    ]
    assert [(each["message"], each["sequence_number"]) for each in rows["topics"][0]["messages"]] == [
        ("b25l", 1),
        ("dHdv", 2),
    ]
    assert [each["name"] for each in rows["transactions"]] == ["CONSENSUSCREATETOPIC"] * 2 + [
        "CONSENSUSSUBMITMESSAGE"
    ] * 2
    balances = {each["account"]: each["balance"] for each in rows["accounts"]}
    assert balances[str(ground.operator)] == ground.balance(ground.operator)
    ground.advance(5)
    assert ledger_rows(ground.network) == rows
