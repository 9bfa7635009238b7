"""nginx and Caddy in front of both doors, as deploy/ ships them, but without TLS and on a port of our own."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bridge.config import Config
from bridge.demo.setting import free_port
from tests.integration.world import START_S, World

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")
DEPLOY = Path(__file__).parents[2] / "deploy"
API = "# handle { reverse_proxy 127.0.0.1:3000 }   # the API itself"
SHIPPED = DEPLOY / "nginx.conf"
AROUND = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {shipped}
}}
"""


@asynccontextmanager
async def nginx(made: World, *, port: int = 0, beside: str = "", shipped: str = "") -> AsyncIterator[str]:
    """nginx before both doors; its host and port. `beside` is what else the API's server has, `shipped` what to take
    for deploy/nginx.conf.
    """
    port = free_port(port)
    shipped = re.sub(r"\n\s*ssl_\w+ [^;]*;", "", shipped or SHIPPED.read_text())
    shipped = shipped.replace("443 ssl", f"127.0.0.1:{port}")
    shipped = at_the_doors(shipped[: shipped.rindex("}")] + beside + "}", made.config)
    file = made.folder / "nginx.conf"
    file.write_text(AROUND.format(folder=made.folder, shipped=shipped))
    log = made.folder / "nginx.log"
    async with running([str(NGINX), "-p", str(made.folder), "-e", str(log), "-c", str(file)], port, log):
        yield f"127.0.0.1:{port}"


@asynccontextmanager
async def caddy(made: World) -> AsyncIterator[str]:
    """Caddy before both doors; its host and port."""
    port = free_port(0)
    shipped = (DEPLOY / "Caddyfile").read_text().replace("api.example.com {", f"http://127.0.0.1:{port} {{")
    shipped = shipped.replace(API, "handle {\n\t\trespond 404\n\t}")
    file = made.folder / "Caddyfile"
    file.write_text("{\n\tadmin off\n}\n" + at_the_doors(shipped, made.config))
    async with running(
        ["env", f"HOME={made.folder}", str(CADDY), "run", "--config", str(file)], port, made.folder / "caddy.log"
    ):
        yield f"127.0.0.1:{port}"


def at_the_doors(shipped: str, config: Config) -> str:
    return shipped.replace(":8781", f":{config.gateway.port}").replace(":8780", f":{config.http.port}")


@asynccontextmanager
async def running(command: list[str], port: int, log: Path) -> AsyncIterator[None]:
    """It listens there inside the block."""
    with log.open("ab") as said:
        process = await asyncio.create_subprocess_exec(*command, stdout=said, stderr=subprocess.STDOUT)
    try:
        async with asyncio.timeout(START_S):
            while not await listens(port):
                assert process.returncode is None, await asyncio.to_thread(log.read_text)
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def listens(port: int) -> bool:
    """Whether somebody is there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        await asyncio.sleep(0.01)
        return False
    writer.close()
    return True
