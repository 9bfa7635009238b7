"""The daemon with the Java SDK under it: what was accepted is confirmed in order, and no process is left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.integration.test_daemon import closed, confirmed
from tests.integration.world import World, world
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings
from topics.values import TopicId

LONG = "a message that needs chunks " * 100


def sdk_process(made: World) -> int:
    """The daemon's one child."""
    assert made.daemon is not None
    children = Path(f"/proc/{made.daemon.pid}/task/{made.daemon.pid}/children").read_text().split()
    (found,) = [pid for pid in children if b"jvm_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return int(found)


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


async def accepted(made: World, *messages: str) -> list[str]:
    ids: list[str] = []
    for message in messages:
        status, body = await made.post("/v1/events", closed(message))
        assert status == 202
        ids += body["ids"]
    return ids


async def test_five_events_arrive_one_of_them_in_chunks_and_the_sdk_dies_on_the_way(tmp_path: Path) -> None:
    async with world(tmp_path, ledger__backend="hedera-sdk-py") as made:
        await made.start()
        ids = await accepted(made, "first", "second")
        await confirmed(made, ids[-1])
        os.kill(sdk_process(made), signal.SIGKILL)
        ids += await accepted(made, LONG, "fourth", "fifth")
        places = [await confirmed(made, event_id) for event_id in ids]
        order = [(place["sequence"], place["index"]) for place in places]
        assert order == sorted(set(order))
        mirror = Mirror(made.devnet.mirror_url, MirrorSettings())
        messages = await mirror.messages(TopicId.parse(places[0]["topicId"]), after=0)
        await mirror.close()
        assert max(message.chunk.total for message in messages if message.chunk) > 1
        assert places[-1]["sequence"] == len(messages)
        sdk = sdk_process(made)
        assert await made.stop() == 0
        assert is_gone(sdk)
        assert "Traceback" not in made.log


async def test_without_java_it_is_refused_at_the_start_with_what_to_install(tmp_path: Path) -> None:
    async with world(tmp_path, ledger__backend="hedera-sdk-py") as made:
        made.environ = {name: value for name, value in made.environ.items() if name != "JAVA_HOME"} | {"PATH": "/none"}
        code, _, err = await made.command("serve")
        assert code == 2
        assert "ledger.backend = hedera-sdk-py: needs Java 17" in err
        assert "default-jre-headless" in err
        assert "Traceback" not in err
