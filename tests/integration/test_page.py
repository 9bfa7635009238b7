"""The demo's live page in a real browser: events appear provisional, then confirmed, and are there after a reload."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path

from tests.integration.listeners import JS
from tests.integration.world import COMMAND

DEADLINE_S = 60


def browser() -> str:
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    path = next((path for path in found if path), None)
    assert path, "no chromium: `make test` installs it for root; else install Debian's package chromium"
    return path


async def page_url(demo: asyncio.subprocess.Process) -> str:
    assert demo.stdout
    async for line in demo.stdout:
        if match := re.search(r"http://\S+/", line.decode()):
            return match[0]
    raise AssertionError("the demo told no page")


async def test_the_live_page(tmp_path: Path) -> None:
    quick = ("--consensus-ms", "400", "--mirror-ms", "200", "--campaigns", "3", "--rate", "10")
    demo = await asyncio.create_subprocess_exec(
        COMMAND, "demo", *quick, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        url = await asyncio.wait_for(page_url(demo), DEADLINE_S)
        node = await asyncio.create_subprocess_exec(
            "node", JS / "page.mjs", url, tmp_path / "page.png", browser(),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(node.communicate(), DEADLINE_S)
        assert node.returncode == 0, err.decode()
    finally:
        demo.terminate()
        assert await demo.wait() == 0
    seen = json.loads(out)
    assert seen["complaints"] == []
    assert seen["confirmed"] >= 5
    assert seen["state"] == "connected"
    assert re.fullmatch(r"http://\S+/api/v1/topics/0\.0\.\d+/messages/\d+", seen["link"])
    assert (tmp_path / "page.png").stat().st_size > 10_000
