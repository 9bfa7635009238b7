"""The child is started, watched, replaced and ended; what is missing for it is said in words that help."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
from pathlib import Path

import pytest

from topics.errors import Unavailable
from topics.ledger.jvm_process import JvmProcess, java_home, missing
from topics.ledger.jvm_wire import AskBalance, NoAnswer, Reply, Target

NOWHERE = Target("0.0.3", "127.0.0.1:1")  # nothing listens there


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def children() -> list[bytes]:
    """The command lines of this process' own."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids]


async def ask(process: JvmProcess) -> Reply:
    return await process.ask(lambda number: AskBalance(number, NOWHERE, 0.2, "0.0.2"))


async def test_it_needs_no_compiler_knows_no_secret_is_replaced_when_stuck_and_ends_with_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = shutil.which("java")
    assert java is not None, "the tests need a Java runtime"
    (tmp_path / "java").symlink_to(java)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("HCS_BRIDGE_OPERATOR__KEY", "hunter2")
    process = JvmProcess(grace_s=0.5)
    assert process.pid is None
    first, second = await asyncio.gather(ask(process), ask(process))
    assert isinstance(first, NoAnswer)
    assert isinstance(second, NoAnswer)
    assert {first.number, second.number} == {1, 2}
    pid = process.pid
    assert pid is not None
    assert b"hunter2" not in environment(pid)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Unavailable, match=r"no reply within 0\.7 s"):
        await ask(process)
    assert isinstance(await ask(process), NoAnswer)
    replacement = process.pid
    assert replacement is not None
    assert replacement != pid
    await process.close()
    assert not alive(pid)
    assert not alive(replacement)
    assert process.pid is None
    with pytest.raises(Unavailable, match="closed"):
        await ask(process)
    await process.close()


async def test_one_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nonexistent")
    process = JvmProcess()
    with pytest.raises(Unavailable, match=r"did not start: exit code 1: .*libjvm"):
        await ask(process)
    await process.close()


async def test_giving_up_while_it_starts_leaves_nothing() -> None:
    process = JvmProcess()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await ask(process)
    assert process.pid is None
    assert not any(b"jvm_child" in command for command in children())
    await process.close()


def test_what_is_missing_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing() is None
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert java_home() is None
    assert "default-jre-headless" in (missing() or "")
    monkeypatch.setenv("JAVA_HOME", "/nonexistent")
    assert "default-jre-headless" in (missing() or "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "hcs-bridge[jvm]" in (missing() or "")
