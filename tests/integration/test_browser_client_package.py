"""The browser client's own tests, its types and examples, and that what is shipped is what its sources give."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[2] / "bridge" / "web" / "client"
DEADLINE_S = 120


def run(*command: str | Path) -> str:
    """Run it in the package's folder; what it says, if it fails."""
    if shutil.which("node") is None or not (CLIENT / "node_modules").is_dir():
        pytest.fail("Node and what builds the browser client are needed: `make test` installs them")
    done = subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def tsc(*arguments: str | Path) -> str:
    return run("node", CLIENT / "node_modules" / "typescript" / "bin" / "tsc", *arguments)


def files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_reads_the_vectors_and_refuses_what_it_must() -> None:
    assert run("node", "build.mjs", "test") == ""


def test_its_types_and_examples_hold() -> None:
    assert tsc("-p", "tsconfig.json") == ""


def test_building_it_again_gives_what_is_shipped(tmp_path: Path) -> None:
    assert run("node", "build.mjs", "dist", tmp_path) == ""
    assert tsc("-p", "tsconfig.build.json", "--outDir", tmp_path / "types") == ""
    assert files(tmp_path) == files(CLIENT / "dist"), "`make client` builds it again"
