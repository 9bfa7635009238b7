"""PostgreSQL and Redis as Debian packages them, started by the test run on free ports and stopped with it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

PATIENCE_S = 60.0
FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200")
"""A server killed with -9 keeps what it committed all the same; only a machine that loses power doesn't."""


@dataclass(slots=True)
class PostgresServer:
    """A server that believes whoever comes over loopback, and its process while it runs."""

    folder: Path
    binaries: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """As `database.url` wants it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def command(self, sql: str, *, database: str = "postgres") -> str:
        """What psql prints for the SQL, without alignment. Raises CalledProcessError."""
        psql = [str(self.binaries / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        done = subprocess.run([*psql, *where, "-c", sql], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def start(self) -> None:
        """Run it, for the first time or again."""
        options = [word for each in FAST for word in ("-c", each)]
        place = ["-D", str(self.folder), "-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            command = [str(self.binaries / "postgres"), *place, *options]
            process = subprocess.Popen(command, stdout=log, stderr=log, **_unprivileged())
        self.process = process
        _until(process, lambda: _answers(self.port) and self.command("SELECT 1") == "1")

    def kill(self) -> None:
        """At once, without a word to anybody: as after a power cut."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """It tells its clients to go."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(how)
            process.wait(PATIENCE_S)


class Places:
    """Where the run's databases lie."""

    server: ClassVar[PostgresServer | None] = None


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A new server, with its data in a folder that goes with it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("the tests of PostgreSQL need it: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="hcs-bridge-postgresql-"))  # pytest keeps its own folders to its user
    if (user := _unprivileged().get("user")) is not None:
        shutil.chown(folder, user)
    quickly = ["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"]
    server = PostgresServer(folder, found[-1].parent, free_port())
    try:
        subprocess.run([found[-1], "-D", folder, *quickly], check=True, capture_output=True, **_unprivileged())
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@contextlib.contextmanager
def redis_server(folder: Path, *options: str, port: int | None = None) -> Iterator[str]:
    """A new server that keeps nothing on disk: its URL."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("the tests of Redis need it: apt-get install redis-server")
    port = port or free_port()
    place = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([program, *place, *options], stdout=subprocess.DEVNULL)
    try:
        _until(process, lambda: _answers(port))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of a worker."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _where_databases_lie(request: pytest.FixtureRequest) -> Iterator[None]:
    """With `--postgresql` on a server, otherwise in files."""
    if request.config.getoption("--postgresql"):
        Places.server = request.getfixturevalue("postgres")
    yield
    Places.server = None


def place_at(path: Path) -> dict[str, Any]:
    """Where a test's database lies, as the keys of its section; the same path is the same one, empty at first."""
    if Places.server is None:
        return {"url": f"sqlite:///{path}"}
    return {
        "url": Places.server.url(),
        "schema_name": f"at_{hashlib.sha256(str(path).encode()).hexdigest()[:32]}",
    }


@pytest.fixture
def guarded_url(postgres: PostgresServer, postgres_url: str) -> Iterator[str]:
    """The same, with users it does not believe: guarded, who has a password, and unlisted, whom it refuses."""
    before = (postgres.folder / "pg_hba.conf").read_text()
    postgres.command("CREATE ROLE guarded LOGIN PASSWORD 'right'; CREATE ROLE unlisted LOGIN")
    _reloaded(postgres, f"host all guarded 127.0.0.1/32 scram-sha-256\nhost all unlisted 127.0.0.1/32 reject\n{before}")
    yield postgres_url
    _reloaded(postgres, before)
    postgres.command("DROP ROLE guarded, unlisted")


def _reloaded(postgres: PostgresServer, rules: str) -> None:
    """Whom the server lets in from now on."""
    (postgres.folder / "pg_hba.conf").write_text(rules)
    before = postgres.command("SELECT pg_conf_load_time()")
    postgres.command("SELECT pg_reload_conf()")
    deadline_s = time.monotonic() + PATIENCE_S
    while postgres.command("SELECT pg_conf_load_time()") == before:
        if time.monotonic() > deadline_s:
            raise RuntimeError("the server doesn't read pg_hba.conf again")
        time.sleep(0.02)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A database that is empty, and gone with the test."""
    name = f"test_{uuid.uuid4().hex}"
    postgres.command(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.command(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A server of the test's own."""
    with redis_server(tmp_path) as url:
        yield url


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {each.pw_name for each in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": [], "cwd": "/"}


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def _until(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(subprocess.CalledProcessError):
            if ready():
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} isn't ready (exit code {process.poll()})")
