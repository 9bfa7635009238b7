"""docs/hashbuzz.md, command by command: the example's backend and page, the bridge beside them, in real Chromium."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.app import running
from bridge.config import load
from bridge.demo.setting import devnet_values, environment
from tests.doc_blocks import DOCS, blocks
from tests.integration.listeners import JS
from tests.integration.proxies import NGINX, listens, nginx
from tests.integration.test_page import browser
from tests.integration.world import COMMAND, World, quiet_port
from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings

PAGE, EXAMPLE = "hashbuzz.md", DOCS / "examples/hashbuzz"
DEADLINE_S = 60
DONE = "@@ done"
AT_EASE = 'npm() { :; }; hcs-bridge() { [ $1 = serve ] || command hcs-bridge "$@"; }\n'  # both are there already
OVERRIDES = ("network.nodes", "mirror.grpc_addresses", "http.port", "gateway.port")
EARLIER = (
    "INSERT INTO user_user (id) VALUES (3); INSERT INTO campaign_twittercard (owner_id, name) VALUES (3, 'Winter')"
)
LATER = "UPDATE campaign_twittercard SET card_status = 'InternalError' WHERE name = 'Winter'"


@dataclass
class Shell:
    """One for the whole page, for its variables; it ends where a command fails."""

    process: Process

    async def run(self, text: str) -> str:
        """What is said until all of it has been done."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{text}\necho '{DONE}'\n".encode())
        said = ""
        async with asyncio.timeout(DEADLINE_S):
            async for line in self.process.stdout:
                if line.decode().strip() == DONE:
                    return said
                said += line.decode()
        raise AssertionError(f"{text}{said}")


@asynccontextmanager
async def shell(folder: Path, environ: Mapping[str, str]) -> AsyncIterator[Shell]:
    process = await asyncio.create_subprocess_exec(
        "bash", "-e", "-o", "pipefail", cwd=folder, env=environ, stdin=PIPE, stdout=PIPE, stderr=STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        made = Shell(process)
        await made.run(AT_EASE)
        yield made
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # the backend, too
        await process.wait()


@asynccontextmanager
async def visitor(url: str) -> AsyncIterator[asyncio.StreamReader]:
    """What a user's browser tells, once the page follows the user's campaigns."""
    node = shutil.which("node") or "node"
    process = await asyncio.create_subprocess_exec(
        node, JS / "hashbuzz.mjs", url, browser(), stdin=DEVNULL, stdout=PIPE
    )
    assert process.stdout
    try:
        async with asyncio.timeout(DEADLINE_S):
            assert await process.stdout.readline() == b"ready\n"
            yield process.stdout
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def of_this_machine(folder: Path, devnet: Devnet) -> dict[str, str]:
    """The environment, with the devnet's ports and the bridge's in it: what the shipped defaults can't be here."""
    values = devnet_values(
        folder,
        nodes=devnet.nodes,
        mirror_url=devnet.mirror_url,
        operator=devnet.operator_id,
        ports=(quiet_port(), quiet_port()),
        mirror_grpc_address=devnet.mirror_grpc_address,
    )
    quick = {"ledger.receipt_poll_s": 0.02, "mirror.poll_interval_s": 0.1, "mirror.max_requests_per_s": 1000}
    path = f"{COMMAND.parent}:{os.environ['PATH']}"
    return os.environ | {"PATH": path} | environment({key: values[key] for key in OVERRIDES} | quick)


@pytest.mark.skipif(NGINX is None, reason="no nginx: install Debian's package nginx-light")
async def test_the_afternoon(
    tmp_path: Path, postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (EXAMPLE / "node_modules").is_dir(), "the example's packages are missing: `make test` installs them"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(DOCS)
    database, rehearsal, check, install, earlier, init, serve, approve, away = (
        each.text for each in blocks(PAGE) if each.language == "sh"
    )
    async with AsyncExitStack() as stack:
        devnet = await stack.enter_async_context(Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)))
        environ, port, api = of_this_machine(tmp_path, devnet), quiet_port(), quiet_port()
        (tmp_path / ".env").write_text(
            f"HEDERA_NETWORK=devnet\nHEDERA_ACCOUNT_ID={devnet.operator_id}\nHEDERA_PRIVATE_KEY={devnet.operator_key}\n"
            f'MIRROR_NODE={devnet.mirror_url}\nDATABASE_URL="{postgres_url}?schema=public"\nREDIS_URL={redis_url}\n'
            f"PORT={port}\nWHITELISTED_DOMAINS=http://127.0.0.1:{api}\n"
        )
        typed = await stack.enter_async_context(shell(tmp_path, environ))
        await typed.run(database + rehearsal)
        await typed.run(f'psql -q "$DB" -c "{EARLIER}"')
        assert "all columns are there" in await typed.run(check)
        await typed.run(install + earlier)
        assert "failed" not in await typed.run(init)
        assert devnet.operator_key not in (tmp_path / "config.toml").read_text()

        config = load(tmp_path / "config.toml", environ)
        await stack.enter_async_context(running(config))
        assert "ready" in await typed.run(serve)
        async with asyncio.timeout(DEADLINE_S):
            while not await listens(port):
                assert "Error" not in (tmp_path / "backend.log").read_text()
        made = World(tmp_path, config, environ, devnet)
        backend = f"location / {{ proxy_pass http://127.0.0.1:{port}; }}"
        await stack.enter_async_context(nginx(made, port=api, beside=backend))
        async with visitor(f"http://127.0.0.1:{api}/") as told:
            await typed.run(f'{approve}\npsql -q "$DB" -c "{LATER}"')
            seen = json.loads(await told.readline())
        await typed.run(away)
        gone = await typed.run(
            'psql -q -A -t "$DB" -c "SELECT count(*) FROM pg_namespace WHERE nspname = \'hcs_bridge\'"'
        )
    assert seen["complaints"] == []
    assert seen["before"][:2] == ["Spring", "ApprovalPending"]
    assert seen["after"][1] == "CampaignRunning"
    assert seen["after"][2] not in {"", seen["before"][2]}  # its new place on the ledger
    assert sorted(seen["toasts"]) == ["Campaign 1 has failed", "Campaign 2 is running"]
    assert seen["readable"] == ""
    assert gone.strip() == "0"


def test_the_page_shows_the_provider_as_it_is() -> None:
    [shown] = [each.text for each in blocks(PAGE) if each.language == "jsx"]
    assert f"```jsx\n{shown}```" == f"```jsx\n{(EXAMPLE / 'page/LiveProvider.jsx').read_text()}```"
