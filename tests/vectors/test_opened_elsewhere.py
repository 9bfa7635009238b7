"""An independent COSE library opens our frames, and refuses what it must."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
    assert [each["events"] for each in found] == [len(vector["events"]) for vector in vectors]
    assert all(each["refused"] for each in found)
