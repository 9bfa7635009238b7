"""The verb as it is typed: what it says of an outcome, and that it waits unless told not to."""

from __future__ import annotations

import json
from pathlib import Path

from bridge import offline
from bridge.commands.rebuild import as_dict, as_text
from bridge.rebuild import Tally
from tests.bridge.relay.audit.conftest import database_of
from tests.integration.world import world
from topics.values import TopicId


def test_the_summary_leaves_out_what_nobody_misses() -> None:
    topic_id = TopicId(0, 0, 7)
    tally = Tally(campaigns={topic_id: "1"}, messages=9, publications=8)
    assert as_text(tally) == "rebuilt 1 campaigns; read 9 messages into 8 publications"
    tally.empty.add(topic_id)
    tally.locked.add(topic_id)
    assert as_text(tally).endswith("; 1 topics left locked; 1 topics without a message left alone")
    assert as_dict(tally)["empty"] == 1


async def test_a_lost_database_is_made_anew_from_the_command_line(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await offline.create_topic(made.config, "1234", "77")
        database, payer = database_of(made), str(made.devnet.operator_id)
        database.rename(tmp_path / "old.db")
        keys = ("--keys-from", tmp_path / "old.db")
        code, out, err = await made.command("rebuild", "--payer", payer, "--settled", "--json", *keys)
        assert code == 0, err
        assert (json.loads(out)["campaigns"], json.loads(out)["messages"]) == (1, 1)
        view = await offline.topic(made.config, "1234")
        assert view is not None
        assert (view.owner, view.status, view.sequence) == ("77", "ready", 1)
        code, out, err = await made.command("rebuild", "--payer", payer, "--settled", *keys)
        assert (code, out) == (2, "")
        assert "isn't empty: it has topics" in err
