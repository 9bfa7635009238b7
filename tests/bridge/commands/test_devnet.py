"""The verb `devnet` hands its options on, and refuses those that contradict each other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli import main

PROGRAM = "import sys; from bridge.cli import main; main(sys.argv[1:])"
PORTS = ("--port", "0", "--second-port", "0", "--mirror-port", "0", "--mirror-grpc-port", "0")


def run(directory: Path, *options: str) -> str:
    """Start it, stop it as Ctrl-C does once it listens; what it printed comes back."""
    command = [sys.executable, "-c", PROGRAM, "devnet", *PORTS, "--dir", str(directory), *options]
    environ = os.environ | {"COLUMNS": "200"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stderr is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0, process.stderr.read()
    return said


def test_it_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    journal, key = tmp_path / "ledger.journal", tmp_path / "operator.key"
    assert "new network" in run(tmp_path, "--no-keep")
    assert not journal.exists()
    assert "new network" in run(tmp_path)
    first = key.read_text()
    again = run(tmp_path, "--create-throttle-per-s", "5", "--mirrors", "2", "--mirror-max-requests-per-s", "50")
    assert "goes on where it was" in again
    assert again.count("gRPC") == 2
    assert key.read_text() == first
    assert "new network" in run(tmp_path, "--fresh")
    assert key.read_text() != first


def test_fresh_and_not_kept_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["devnet", "--dir", str(tmp_path), "--fresh", "--no-keep"])
    assert ended.value.code == 2
    assert "exclude each other" in capsys.readouterr().err
