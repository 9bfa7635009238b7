"""The commands and programs of docs/*.md, run as they stand: each page from its top, beside one daemon and a devnet."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from inspect import iscoroutine
from itertools import pairwise
from pathlib import Path
from typing import Any

from bridge.keys.load import public_key_of
from tests.doc_blocks import Block, blocks, differences, documents, pages
from tests.integration.listeners import JS
from tests.integration.world import World, world
from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings

DEADLINE_S = 120
FIRST, LAST = "index.md", "devnet.md"  # makes the campaign that all others have; lets the network fail
NODE = shutil.which("node") or "node"
MARK = "@@ block of line "
NOTHING = Block("", 0, "", "")
AT_EASE = """
hcs-bridge() { case $1 in devnet|serve) ;; *) command hcs-bridge "$@" ;; esac; }  # both run already
curl() {
  if [ "$1" != -N ]; then command curl $OR_FAIL "$@"; return; fi
  command curl $OR_FAIL --max-time 0.5 "$@" || [ $? = 28 ]  # a stream, which never ends by itself
}
sleep() { settled; }
settled() { until quiet; do command sleep 0.05; done; }
quiet() {
  command curl -sS "$BRIDGE/v1/status" -H "$MAY_LOOK" | grep -q '"waiting":0,"flying":0,"submitted":0' &&
  ! command curl -sS "$BRIDGE/v1/campaigns" -H "$MAY_LOOK" | grep -Eq '"status":"(intended|created)"|"openSince":"'
}
"""


async def test_commands_and_programs_do_as_the_pages_say(tmp_path: Path) -> None:
    settings = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, mirrors=2)
    async with world(tmp_path, settings) as made:
        (tmp_path / "var").mkdir()
        (tmp_path / "var/devnet").symlink_to(tmp_path)
        (tmp_path / "node_modules").symlink_to(JS / "node_modules")
        (tmp_path / "KEY").write_text(public_key_of(made.config.keys).hex())
        await made.start()
        ran = 0
        for page in sorted(pages(), key=lambda name: (name == LAST, name != FIRST, name)):
            of_page = [each for each in blocks(page) if not each.said]
            ran += await commands(made, of_page)
            await asyncio.gather(*(program(made, each) for each in of_page if is_program(each)))
        assert ran > 30


async def test_pieces_of_python_run(hcs_devnet: Devnet, tmp_path: Path) -> None:
    """With `await` at the top, or tests for the fixture that the package brings."""
    pieces = [each for page in pages() for each in blocks(page) if each.language == "python" and not is_program(each)]
    assert len(pieces) >= 2
    for each in pieces:
        names: dict[str, Any] = {"tmp_path": tmp_path}
        code = compile(each.text, str(each), "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if iscoroutine(going := eval(code, names)):  # noqa: S307 # ours
            await going
        for name in (name for name in names if name.startswith("test_")):
            await names[name](hcs_devnet)


def is_program(block: Block) -> bool:
    """Whether it is whole: what it needs it imports, and then it prints."""
    if block.language == "python":
        return "print(" in block.text
    return block.language == "js" and block.text.startswith("import ")


async def commands(made: World, of_page: list[Block]) -> int:
    """Run a page's shell blocks in one shell, and hold what they answer against what the page shows; how many ran."""
    ran = [(each, shown(then)) for each, then in pairwise([*of_page, NOTHING]) if each.language == "sh"]
    if not ran:
        return 0
    script = AT_EASE
    for block, wanted in ran:
        or_fail = "" if any("error" in each for each in wanted) else "--fail-with-body"
        script += f"settled; echo; echo '{MARK}{block.line}'; OR_FAIL={or_fail}\n{block.text}"
    out = await finished(made, "bash", "-e", "-o", "pipefail", "-c", here(made, script))
    answers = dict(each.split("\n", 1) for each in out.split(MARK)[1:])
    for block, wanted in ran:
        answer = answers[str(block.line)]
        got = documents(answer) if wanted else []
        assert len(got) >= len(wanted), f"{block}: {answer}"
        differ = [text for pair in zip(wanted, got, strict=False) for text in differences(*pair)]
        assert not differ, f"{block}: {differ}: {answer}"
    return len(ran)


def shown(block: Block) -> list[Any]:
    """The answers that a page shows behind a command."""
    return documents(block.text) if block.language == "json" else []


async def program(made: World, block: Block) -> None:
    """Run a whole program until it has said something: those that follow a channel never end by themselves."""
    name = made.folder / f"{block.page}-{block.line}.{'py' if block.language == 'python' else 'mjs'}"
    name.write_text(here(made, block.text))
    command = sys.executable if block.language == "python" else NODE
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        command, name, cwd=made.folder, env=environ(made), stdout=pipe, stderr=pipe
    )
    made.commands.append(process)
    assert process.stdout
    async with asyncio.timeout(DEADLINE_S):
        said = await process.stdout.readline()
        if process.returncode is None:
            process.terminate()
        _, err = await process.communicate()
    assert said, f"{block}: {err.decode()}"
    assert not err, f"{block}: {err.decode()}"


async def finished(made: World, *command: str) -> str:
    """What a command printed that ended well."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, cwd=made.folder, env=environ(made), stdout=pipe, stderr=pipe
    )
    made.commands.append(process)
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    assert process.returncode == 0, out.decode() + err.decode()
    return out.decode()


def environ(made: World) -> dict[str, str]:
    """What the pages take for granted: the commands, a client's token."""
    key = (made.folder / "api.key").read_text().split()[-1]
    path = f"{Path(sys.executable).parent}:{made.environ['PATH']}"
    ours = {"PATH": path, "TOKEN": made.token("77"), "BRIDGE": made.http, "MAY_LOOK": f"Authorization: Bearer {key}"}
    return {**made.environ, **ours}


def here(made: World, text: str) -> str:
    """The same with this world's ports in place of the shipped ones."""
    ports = {
        8780: made.config.http.port,
        8781: made.config.gateway.port,
        5551: made.devnet.mirror_url.rpartition(":")[2],
    }
    return re.sub(r"(?<=127\.0\.0\.1:)(8780|8781|5551)", lambda found: str(ports[int(found[0])]), text)
