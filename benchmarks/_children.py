"""Processes beside a benchmark that take orders, one JSON line each, and answer each with one; and what they use."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LINE_BYTES = 1 << 24


def cpu_s(process: int) -> float:
    """User and system seconds that a process has used (proc(5), stat, fields 14 and 15)."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def resident_kb(process: int, *, peak: bool = False) -> int:
    """Its resident memory, or the most that it was since `forget_peak` (proc(5), status)."""
    name = "VmHWM:" if peak else "VmRSS:"
    return int(Path(f"/proc/{process}/status").read_text().partition(name)[2].split()[0])


def forget_peak(process: int) -> None:
    """Begin to look for the peak anew (proc(5), clear_refs)."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


@dataclass(frozen=True, slots=True)
class Child:
    """A process that works on one order at a time."""

    process: asyncio.subprocess.Process

    async def ask(self, order: object) -> dict[str, Any]:
        """Give an order, and wait for the answer. Raises RuntimeError where the child has ended."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        answer = await self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"a child of the benchmark ended with {await self.process.wait()}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def cpu_s(self) -> float:
        """User and system seconds so far."""
        return cpu_s(self.process.pid)


@asynccontextmanager
async def child(*command: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Child]:
    """A module of ours by its name, or a program with its arguments; it ends with its standard input."""
    whole = (sys.executable, "-m", *command) if command[0].startswith("benchmarks.") else command
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*whole, stdin=pipe, stdout=pipe, env=env, limit=LINE_BYTES)
    try:
        yield Child(process)
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()


async def obey(work: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
    """In the child: do what comes, until nothing more comes."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        sys.stdout.write(json.dumps(await work(json.loads(line))) + "\n")
        sys.stdout.flush()


async def asked_once(module: str, orders: dict[str, Any]) -> dict[str, Any]:
    """Run a module of ours that takes its orders as JSON, and answers in its last line. Raises RuntimeError."""
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", module, stdin=pipe, stdout=pipe, stderr=pipe)
    out, err = await running.communicate(json.dumps(orders).encode())
    if running.returncode:
        raise RuntimeError(f"{module} failed: {err.decode()[-2000:]}")
    found: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return found


def machine() -> dict[str, Any]:
    """What a figure was measured on, for its conditions."""
    return {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2),
    }
