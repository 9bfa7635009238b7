"""An auditor with a bundle and nothing else: no network, no database, no configuration, no environment."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bridge.commands.export import exported
from bridge.commands.verify import audited_bundle
from bridge.keys.load import load_keys
from bridge.relay.audit.bundle import BundleRefused
from bridge.relay.audit.source import Span
from tests.bridge.relay.audit.conftest import EVENTS, published, relayed
from tests.integration.world import World

__all__ = ["published", "relayed"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
CHANGED_PLACES = 40

# The command, in a process that may neither reach anybody nor open a database or a configuration.
ALONE = """
import sys

def refuse(event, arguments):
    forbidden = event in {"socket.connect", "socket.getaddrinfo", "socket.bind", "sqlite3.connect"}
    if forbidden or event == "open" and str(arguments[0]).endswith(("config.toml", ".db", ".key")):
        raise PermissionError(f"{event} {arguments}")

sys.addaudithook(refuse)
from bridge.cli import main
main(sys.argv[1:])
"""


async def judged_alone(folder: Path, *arguments: str | Path) -> tuple[int, str, str]:
    """`hcs-bridge verify --bundle`: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ALONE, "verify", "--bundle", *arguments),
        env={},
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_published_exported_and_judged_elsewhere(relayed: World, tmp_path: Path) -> None:
    [topic_id] = relayed.devnet.network.mirror.topics
    pin = load_keys(relayed.config.keys).public.hex()
    code, out, err = await relayed.command("export", "1", "--out", tmp_path / "open", "--with-keys")
    assert (code, err) == (0, "")
    assert "WHOEVER HAS THE FILE READS" in out
    code, out, _ = await relayed.command("export", "1", "--json")
    assert (code, json.loads(out)["file"]) == (0, f"audit-{topic_id}.jsonl")
    closed = relayed.folder / f"audit-{topic_id}.jsonl"

    code, out, err = await judged_alone(tmp_path, "open", "--pin", pin)
    assert (code, err) == (0, "")
    assert out == (
        f"verified: topic {topic_id} of devnet, 7 messages, 3 events, 0 skipped, 7 signatures, "
        "7 receipts in the bundle agree\n"
    )
    code, out, _ = await judged_alone(tmp_path, "open", "--json")
    told = json.loads(out)
    assert (code, told["result"], told["pinned"], told["bundle"]) == (1, "unverified", False, "devnet")
    assert told["lacking"].startswith("signatures are only the key's that is named in the bundle itself")
    code, out, _ = await judged_alone(tmp_path, closed, "--pin", pin)
    assert code == 1
    assert f"no key here opens {EVENTS} frames" in out


async def test_a_changed_byte_is_refused_wherever_it_is(relayed: World, tmp_path: Path) -> None:
    await exported(relayed.config, "1", tmp_path / "good", with_keys=True, force=False)
    content = (tmp_path / "good").read_bytes()
    for number in range(CHANGED_PLACES):
        changed = bytearray(content)
        changed[number * (len(content) - 1) // (CHANGED_PLACES - 1)] ^= 1
        (tmp_path / "bad").write_bytes(changed)
        with pytest.raises(BundleRefused):
            await audited_bundle(tmp_path / "bad", pin=None, span=Span())
    code, out, err = await judged_alone(tmp_path, "bad")
    assert (code, out) == (1, "")
    assert err.startswith("error: bad: was changed or cut off")
    assert "Traceback" not in err
