"""A Debian 12 with Python and little else, systemd its first process, in namespaces of its own: no network but lo."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NEEDED = ("debootstrap", "unshare", "nsenter", "pivot_root", "chroot")
MISSING = [name for name in NEEDED if shutil.which(name) is None]
WHY_NOT = "only root makes namespaces" if os.geteuid() else f"needs {', '.join(MISSING)}" if MISSING else ""
START_S, SCRIPT_S = 60, 300
OF_PIP = ("PIP_CERT", "PIP_INDEX_URL", "SSL_CERT_FILE")
"""What a machine behind somebody's own registry says of it; files that they name are needed inside, too."""
PACKAGES = "systemd,systemd-sysv,dbus,ca-certificates,python3-venv,openssl"
WHEELS, FETCHER = "/root/wheels", "/root/fetcher"
PATHS = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT = """
mount --make-rprivate /
mount --bind {root} {root}
cd {root}
mount -t proc proc proc
mount --rbind /sys sys
mount -t tmpfs tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
mkdir dev/pts dev/shm .old
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666
ln -s pts/ptmx dev/ptmx
pivot_root . .old
umount -l /.old
mount --make-rshared /  # or credentials don't get from systemd to its services
exec env -i container=oci PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Debian:
    """`root` is its / as it looks from here. `pid` is its first process."""

    root: Path
    pid: int

    def run(self, script: str, *, given: str = "") -> str:
        """What root's shell script prints; `given` is its standard input. It stops at what fails, and in time."""
        inside = ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-C", "-n", "-r"]
        pip = ["PIP_NO_INDEX=1", f"PIP_FIND_LINKS={WHEELS}"]
        shell = ["timeout", str(SCRIPT_S), "bash", "-m", "-e", "-o", "pipefail", "-c", f"cd /root\n{script}"]
        command = [*inside, "env", "-i", PATHS, "HOME=/root", *pip, *shell]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.journal()}"
        return done.stdout

    def journal(self) -> str:
        """The end of it, for who wonders why something failed."""
        logs = ["journalctl", "--root", str(self.root), "--no-pager", "-n", "100", "-o", "short-precise"]
        return subprocess.run(logs, capture_output=True, text=True, check=False).stdout


@contextmanager
def booted(folder: Path, wheel: Path) -> Iterator[Debian]:
    """It runs inside the block, with the wheel in /root; with the block all of it is gone."""
    root = folder / "debian"
    made = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root)]
    subprocess.run(made, stdout=subprocess.DEVNULL, check=True)
    shutil.copy(wheel, root / "root")
    _fetch_wheels(root, f"/root/{wheel.name}")
    namespaces = ["unshare", "-m", "-p", "-f", "-u", "-i", "-C", "-n", "bash", "-e", "-c", BOOT.format(root=root)]
    outer = subprocess.Popen(namespaces, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield _up(root, outer)
    finally:
        for pid in _children(outer.pid):
            os.kill(pid, signal.SIGKILL)  # the first of its processes: with it go all
        outer.wait()
        shutil.rmtree(root)


def _fetch_wheels(root: Path, wheel: str) -> None:
    """What the wheel stands on, while there is a network."""
    for path in [Path("/etc/pip.conf"), *(Path(os.environ[name]) for name in OF_PIP if name in os.environ)]:
        if path.is_file():
            inside = root / path.relative_to("/")
            inside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, inside)
    named = [f"{name}={os.environ[name]}" for name in OF_PIP if name in os.environ]
    pip = [f"{FETCHER}/bin/pip", "download", "--quiet", "--disable-pip-version-check", "--dest", WHEELS, wheel]
    for command in (["python3", "-m", "venv", FETCHER], pip, ["rm", "-r", FETCHER]):
        subprocess.run(["chroot", root, "env", "-i", PATHS, "HOME=/root", *named, *command], check=True)


def _up(root: Path, outer: subprocess.Popen[bytes]) -> Debian:
    """Once its services run; some that have no console here have failed."""
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s:
        assert outer.poll() is None, "it ended"
        for pid in _children(outer.pid):
            found = Debian(root, pid)
            is_systemd = Path(f"/proc/{pid}/comm").read_text() == "systemd\n"
            if is_systemd and found.run("systemctl is-system-running || true").strip() in {"running", "degraded"}:
                return found
        time.sleep(0.1)
    raise AssertionError("it isn't up")


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
