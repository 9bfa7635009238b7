"""Measures the inbound corridor on a backlog: fetched from a mirror, verified, opened, stored, handed to the hub.

The devnet's mirror runs in this process, the corridor in one of its own, whose CPU is counted. Once the store has
receipts for every message, and once it has none, so that each frame's signature is checked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks._children import machine
from benchmarks._ledger import Scale, fill, forget_flights
from bridge.config import load
from bridge.demo.keys import make_demo_keys
from bridge.demo.setting import devnet_values, environment
from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings

SETTINGS = {"mirror.max_requests_per_s": 100_000, "mirror.streams": False}
WHAT = (
    "messages of one event by CPU second (user and system) of the process that reads them: sweep, booking and "
    "confirming in the outbox are in it, and nobody is subscribed. The steps apart, one after the other"
)


async def run_once(scale: Scale) -> dict[str, Any]:
    """Fill the ledger, then let the corridor work it off twice, and step by step."""
    with TemporaryDirectory(prefix="hcs-bridge-benchmark-") as name:
        folder = Path(name)
        make_demo_keys(folder)
        async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)) as devnet:
            (folder / "operator.key").touch(mode=0o600)
            (folder / "operator.key").write_text(devnet.operator_key)
            environ = _environment(folder, devnet)
            await fill(load(None, environ), devnet.network, scale)
            apart, anew = (_copy(folder, environ, name) for name in ("apart", "anew"))
            await forget_flights(load(None, anew))
            asked = [(environ, "whole"), (anew, "whole"), (apart, "steps")]
            found = [await _reader(environ, what, scale) for environ, what in asked]
    return _told(scale, *found)


def _told(scale: Scale, known: dict[str, Any], anew: dict[str, Any], steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "messages_per_core_s": known["per_core_s"],
        "messages_per_core_s_signatures": anew["per_core_s"],
        "us_per_message": {step: took for step, took in steps.items() if step != "open_signatures"},
        "conditions": {
            "what": WHAT,
            "topics": scale.topics,
            "messages": scale.messages,
            **machine(),
            "settings": SETTINGS,
            "with_receipts": known,
            "signatures": anew,
            "us_open_signatures": steps["open_signatures"],
        },
    }


def _environment(folder: Path, devnet: Devnet) -> dict[str, str]:
    mirror, operator = devnet.mirror_url, devnet.operator_id
    values = devnet_values(folder, nodes=devnet.nodes, mirror_url=mirror, operator=operator, ports=(0, 0))
    return environment(values | SETTINGS)


def _copy(folder: Path, environ: dict[str, str], name: str) -> dict[str, str]:
    """The same with a store of its own."""
    shutil.copy(folder / "hcs-bridge.db", folder / f"{name}.db")
    return environ | environment({"database.url": f"sqlite:///{folder / f'{name}.db'}"})


async def _reader(environ: dict[str, str], what: str, scale: Scale) -> dict[str, Any]:
    """What a reader in a process of its own tells."""
    command = [sys.executable, "-m", "benchmarks._corridor", what, str(scale.topics), str(scale.each)]
    pipe = asyncio.subprocess.PIPE
    reader = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environ}, stdout=pipe)
    out, _ = await reader.communicate()
    if reader.returncode:
        raise RuntimeError("a reader failed; its error stands above")
    return dict(json.loads(out.splitlines()[-1]))


def main() -> None:
    """`python -m benchmarks.tail --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tail")
    parser.add_argument("--topics", type=int, default=1000)
    parser.add_argument("--each", type=int, default=199, help="messages of each topic, its manifest not counted")
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    found = asyncio.run(run_once(Scale(options.topics, options.each)))
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
