"""An independent COSE library opens our frames, and refuses what it must."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from bridge.protocol.values import Event
from bridge.protocol.wire import cbor
from bridge.protocol.wire.events import encode_event

HERE = Path(__file__).parent
PYTHON = Path(sys.prefix) / "cwt/bin/python"  # `cwt` wants an older cbor2 than ours: an environment of its own


@pytest.mark.skipif(not PYTHON.exists(), reason="no cwt: `make test` installs it into .venv/cwt")
def test_a_library_that_is_not_ours_opens_and_verifies_every_frame() -> None:
    command = [PYTHON, HERE / "opened_elsewhere.py", HERE / "frames.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    vectors = json.loads((HERE / "frames.json").read_text())["opens"]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["plaintext"] for each in found] == [vector["plaintext"] for vector in vectors]
    assert [each["events"] for each in found] == [[coded(event) for event in vector["events"]] for vector in vectors]
    assert {each["name"]: each["taken"] for each in found if each["taken"]} == {}


def coded(shown: dict[str, Any]) -> str:
    """The CBOR that this event is on the ledger, an event for a user inside that user's seal."""
    event_id = uuid.UUID(shown["id"]).bytes
    event = Event(event_id, shown["type"], shown["timeMs"], shown["audience"], shown["data"])
    return cbor.encode(encode_event(event)).hex()
