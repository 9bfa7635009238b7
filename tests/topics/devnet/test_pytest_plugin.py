"""The fixture as other people import it, in a pytest run of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

SUITE = """
import urllib.request, asyncio

async def test_there_is_a_network(hcs_devnet):
    url = hcs_devnet.mirror_url + "/api/v1/network/nodes"
    answer = await asyncio.to_thread(urllib.request.urlopen, url)
    answer.close()
    assert answer.status == 200
    assert hcs_devnet.mirror_grpc_address.startswith("127.0.0.1:")
    assert hcs_devnet.settings.consensus_delay_s == 0
"""


def test_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "--rootdir", str(tmp_path)]
    if "hcs_devnet" not in {each.name for each in entry_points(group="pytest11")}:
        command += ["-p", "topics.devnet.pytest_plugin"]
    ended = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_importing_the_plugin_is_cheap() -> None:
    code = "import sys, topics.devnet.pytest_plugin as p; sys.exit('grpc' in sys.modules or 'aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
