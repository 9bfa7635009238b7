"""Measures the browser client: messages that headless Chromium verifies and opens in a second.

Each message has its running hash recomputed, its frame opened and its signature checked; frames of one
event, and of ten. The topics take turns, and the median of the runs counts.
"""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire.epochs import Epoch
from bridge.protocol.wire.events import code_event, uuid7
from bridge.protocol.wire.frame import Sealing, seal_frame
from bridge.protocol.wire.manifest import Belongs, build_manifest
from topics.running_hash import next_running_hash
from topics.values import START, AccountId, TopicId, format_timestamp

JS = Path(__file__).resolve().parents[1] / "tests" / "integration" / "js" / "package.json"
PAYER = AccountId(0, 0, 1001)
CONTEXT = TopicContext("devnet", TopicId(0, 0, 7001), signed=True)
BEGAN_NS = 1_793_600_000_000_000_000
IV_BYTES = 12
RUNS = 5
DEADLINE_S = 300


class Writer:
    """The keys of a campaign, and what it writes with them."""

    def __init__(self) -> None:
        self.epoch = Epoch.of(secrets.token_bytes(32))
        self.signing_key = Ed25519PrivateKey.generate()

    def topic(self, messages: int, events_each: int) -> dict[str, Any]:
        """The topic as a mirror shows it: the manifest, then frames."""
        sealing = Sealing(self.epoch, lambda: secrets.token_bytes(IV_BYTES), self._no_user, self.signing_key)
        manifest = build_manifest(
            Belongs("1", None),
            context=CONTEXT,
            epoch=self.epoch,
            iv=secrets.token_bytes(IV_BYTES),
            wrapped=None,
            signing_key=self.signing_key,
        )
        events = [code_event(_event(number)) for number in range(events_each)]
        frames = [
            seal_frame(events, context=CONTEXT, producer_sequence=number, sealing=sealing)
            for number in range(1, messages + 1)
        ]
        rows = _rows([manifest, *frames])
        return {"topicId": str(CONTEXT.topic_id), "rows": rows, "events": messages * events_each}

    def _no_user(self, user_id: str) -> Epoch:
        raise AssertionError(user_id)


def _event(number: int) -> Event:
    data = {"campaignId": "1234", "newStatus": "CampaignRunning", "oldStatus": "CampaignApproved"}
    time_ms = BEGAN_NS // 1_000_000 + number
    return Event(uuid7(time_ms, secrets.token_bytes(10)), "CAMPAIGN_STATUS_UPDATE", time_ms, None, dict(data))


def _rows(contents: Sequence[bytes]) -> list[dict[str, Any]]:
    behind, rows = START.running_hash, []
    for sequence, content in enumerate(contents, 1):
        at_ns = BEGAN_NS + sequence
        behind = next_running_hash(
            behind, content, payer=PAYER, topic_id=CONTEXT.topic_id, consensus_ns=at_ns, sequence=sequence
        )
        rows.append(
            {
                "chunk_info": None,
                "consensus_timestamp": format_timestamp(at_ns),
                "message": base64.b64encode(content).decode(),
                "payer_account_id": str(PAYER),
                "running_hash": base64.b64encode(behind).decode(),
                "running_hash_version": 3,
                "sequence_number": sequence,
                "topic_id": str(CONTEXT.topic_id),
            }
        )
    return rows


def measure(messages: int) -> dict[str, Any]:
    """Messages verified in a second, by events a message; a message of ten events is some five times as long."""
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    browser = next((path for path in found if path), None)
    if browser is None:
        raise SystemExit("no chromium: `make test` installs it for root; else install Debian's package chromium")
    writer = Writer()
    asked = {
        "pin": writer.signing_key.public_key().public_bytes_raw().hex(),
        "key": writer.epoch.key.hex(),
        "runs": RUNS,
        "topics": {str(each): writer.topic(messages, each) for each in (1, 10)},
    }
    command = ["node", str(Path(__file__).with_name("_verifier.mjs")), str(JS), browser]
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 # our own script, and the browser that was found
        command, input=json.dumps(asked).encode(), stdout=subprocess.PIPE, timeout=DEADLINE_S, check=True
    )
    taken = json.loads(done.stdout)
    per_s = {each: round((messages + 1) / statistics.median(seconds)) for each, seconds in taken.items()}
    return {
        "messages_verified_per_s": per_s,
        "messages": messages,
        "runs": RUNS,
        "s": round(time.monotonic() - began, 1),
    }


def main() -> None:
    """`python -m benchmarks.browser --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    found = measure(50 if options.quick else 2000)
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
