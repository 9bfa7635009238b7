"""The service under a real systemd, in user mode: ready when it says so, back whatever ends it, refusing nobody."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from websockets.asyncio.client import connect

from tests.integration.world import World, until, world

MANAGER = Path("/lib/systemd/systemd")
BOOTED = Path("/run/systemd/system")  # sd_booted(3): without it no manager starts
DEADLINE_S = 60
WATCHDOG_S = 3
# What only the machine's own manager can do; the filters on system calls stay.
NOT_FOR_USERS = (
    "DynamicUser=", "User=", "StateDirectory", "WorkingDirectory=", "LoadCredential=", "Private", "Protect",
    "ProcSubset=",
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    not MANAGER.exists() or shutil.which("systemctl") is None or (os.getuid() != 0 and not BOOTED.exists()),
    reason="no systemd to run: install Debian's package systemd, as root",
)


@contextmanager
def booted() -> Iterator[None]:
    """As on a machine that systemd runs."""
    if BOOTED.exists():
        yield
        return
    BOOTED.mkdir(parents=True)
    try:
        yield
    finally:
        BOOTED.rmdir()


@dataclass(frozen=True)
class Manager:
    """A systemd of our own."""

    environ: dict[str, str]

    async def ctl(self, *arguments: str) -> tuple[int, str]:
        """systemctl: exit code, and what it says."""
        process = await asyncio.create_subprocess_exec(
            "systemctl", "--user", *arguments, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        out, _ = await asyncio.wait_for(process.communicate(), DEADLINE_S)
        return process.returncode or 0, out.decode().strip()

    async def shows(self, name: str) -> str:
        """A property of the service."""
        return (await self.ctl("show", "hcs-bridge.service", "--value", "-p", name))[1]

    async def until(self, name: str, wanted: Callable[[str], bool]) -> None:
        """Wait for a property."""

        async with asyncio.timeout(DEADLINE_S):
            while not wanted(await self.shows(name)):  # noqa: ASYNC110 # of another process
                await asyncio.sleep(0.01)


@asynccontextmanager
async def manager() -> AsyncIterator[Manager]:
    with booted(), TemporaryDirectory(prefix="sd-") as folder:  # sockets lie in it: a short path
        environ = os.environ | {"XDG_RUNTIME_DIR": folder, "XDG_CONFIG_HOME": f"{folder}/config"}
        (Path(folder) / "config/systemd/user").mkdir(parents=True)
        running = await asyncio.create_subprocess_exec(
            MANAGER, "--user", "--unit=basic.target", env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            await until((Path(folder) / "systemd/private").exists)
            yield Manager(environ)
        finally:
            running.terminate()
            await running.wait()


async def install(systemd: Manager, made: World) -> Path:
    """Put both units where the manager looks, for this world; the service's file comes back."""
    folder = Path(systemd.environ["XDG_CONFIG_HOME"]) / "systemd/user"
    _, service, _ = await made.command("systemd-unit")
    _, listening, _ = await made.command("systemd-unit", "--socket")
    own = {name: value for name, value in made.environ.items() if name.startswith("HCS_BRIDGE_")}
    variables, log = made.folder / "variables", made.folder / "daemon.log"
    variables.write_text("".join(f"{name}='{value}'\n" for name, value in own.items()))
    kept = [line for line in service.splitlines() if not line.startswith(NOT_FOR_USERS)]
    told = [f"EnvironmentFile={variables}", f"StandardOutput=append:{log}", "StandardError=inherit"]
    text = "\n".join(kept).replace("[Install]", "\n".join([*told, f"WatchdogSec={WATCHDOG_S}", "[Install]"]))
    text = text.replace("/etc/hcs-bridge/keys", str(made.folder))
    (folder / "hcs-bridge.service").write_text(text.replace("/etc/hcs-bridge", str(made.folder)))
    (folder / "hcs-bridge.socket").write_text(listening.replace("8781", str(made.config.gateway.port)))
    await systemd.ctl("daemon-reload")
    return folder / "hcs-bridge.service"


async def test_the_service_is_ready_when_it_says_so_reloads_and_refuses_nobody_while_it_restarts(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as made, manager() as systemd:
        await install(systemd, made)
        assert await systemd.ctl("start", "hcs-bridge.socket", "hcs-bridge.service") == (0, "")
        assert (await made.get("/v1/info"))[0] == 200
        await systemd.until("StatusText", "well; lag 0 s; 0 clients".__eq__)
        assert await systemd.ctl("reload", "hcs-bridge.service") == (0, "")
        await until(lambda: "configuration taken" in made.log)
        await systemd.until("SubState", "running".__eq__)

        status, _ = await systemd.ctl("restart", "--no-block", "hcs-bridge.service")
        assert status == 0
        await systemd.until("SubState", lambda state: state != "running")
        async with connect(made.gateway, open_timeout=DEADLINE_S):  # while it is away: nobody is refused
            assert await systemd.shows("SubState") == "running"
            await systemd.until("StatusText", "well; lag 0 s; 1 clients".__eq__)
        assert await systemd.ctl("stop", "hcs-bridge.socket", "hcs-bridge.service") == (0, "")
        assert await systemd.shows("Result") == "success"


@pytest.mark.long
async def test_what_is_killed_and_what_stands_still_is_started_again(tmp_path: Path) -> None:
    async with world(tmp_path) as made, manager() as systemd:
        await install(systemd, made)
        assert await systemd.ctl("start", "hcs-bridge.service") == (0, "")
        await systemd.ctl("kill", "--signal=KILL", "hcs-bridge.service")
        await systemd.until("NRestarts", "1".__eq__)
        await systemd.until("SubState", "running".__eq__)
        await systemd.ctl("kill", "--signal=STOP", "hcs-bridge.service")  # a loop that stands still looks like that
        await systemd.until("NRestarts", "2".__eq__)
        await systemd.until("SubState", "running".__eq__)
        assert await systemd.ctl("stop", "hcs-bridge.service") == (0, "")


async def test_a_configuration_that_cannot_be_run_is_told_and_not_tried_for_ever(tmp_path: Path) -> None:
    async with world(tmp_path) as made, manager() as systemd:
        file = await install(systemd, made)
        file.write_text(file.read_text().replace("StartLimitBurst=10", "StartLimitBurst=2").replace("RestartSec=2", ""))
        await systemd.ctl("daemon-reload")
        (made.folder / "config.toml").write_text("[gateway]\nmax_frames = 1\n")
        status, _ = await systemd.ctl("start", "hcs-bridge.service")
        assert status != 0
        await systemd.until("SubState", "failed".__eq__)
        assert int(await systemd.shows("NRestarts")) <= 2
        assert "gateway.max_frames" in made.log
