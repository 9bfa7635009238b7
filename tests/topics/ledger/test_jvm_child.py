"""The child alone, spoken to over its pipes: many calls at once, nodes that aren't there, and how it ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from topics.ledger.jvm_child import told
from topics.ledger.jvm_process import java_home
from topics.ledger.jvm_wire import Answer, AskBalance, NoAnswer, Ready, Reply, Target, frame, replies

TIMEOUT_S = 1.0


@contextmanager
def child() -> Iterator[subprocess.Popen[bytes]]:
    environment = dict(os.environ, JAVA_HOME=java_home() or "")
    command = [sys.executable, "-m", "topics.ledger.jvm_child"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[bytes], count: int) -> list[Ready | Reply]:
    assert process.stdout is not None
    reader, found = replies(), list[Ready | Reply]()
    while len(found) < count:
        data = os.read(process.stdout.fileno(), 65536)
        assert data, "the child has ended"
        found += reader.feed(data)
    return found


def test_calls_do_not_wait_for_each_other_and_it_ends_with_its_input() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as gone:
        alive, dead = (Target("0.0.3", f"127.0.0.1:{server.getsockname()[1]}") for server in (silent, gone))
        gone.close()
        with child() as process:
            assert process.stdin is not None
            assert isinstance(heard(process, 1)[0], Ready)
            assert not catches_sigterm(process.pid)
            started = time.monotonic()
            for number in range(4):
                process.stdin.write(frame(AskBalance(number, alive, TIMEOUT_S, "0.0.2")))
            process.stdin.write(frame(AskBalance(4, dead, TIMEOUT_S, "0.0.2")))
            process.stdin.flush()
            first, *others = heard(process, 5)
            assert time.monotonic() - started < 3 * TIMEOUT_S
            assert isinstance(first, NoAnswer)
            assert (first.number, "Connect call failed" in first.reason) == (4, True)
            assert {reply.number for reply in others if isinstance(reply, NoAnswer)} == {0, 1, 2, 3}
            process.stdin.close()
            assert process.wait(10) == 0


def catches_sigterm(pid: int) -> bool:
    """Whether the JVM has taken the signal over, which -Xrs forbids it."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(status["SigCgt"], 16) >> 14 & 1)


@pytest.mark.parametrize(
    ("trace", "reply"),
    [
        (
            ["x.PrecheckStatusException: Hedera transaction `1` failed pre-check with the status `INVALID_SIGNATURE`"],
            Answer(1, "INVALID_SIGNATURE"),
        ),
        (
            [
                "x.MaxAttemptsExceededException: exceeded maximum attempts",
                "x.Executable.execute(Executable.java:1)",
                "Caused by:",
                "x.PrecheckStatusException: … failed pre-check with the status `BUSY`",
                "x.Y.z(Y.java:2)",
            ],
            Answer(1, "BUSY"),
        ),
        (
            ["x.MaxAttemptsExceededException: …", "Caused by:", "io.grpc.StatusRuntimeException: UNAVAILABLE: down"],
            NoAnswer(1, "io.grpc.StatusRuntimeException: UNAVAILABLE: down"),
        ),
        ([], NoAnswer(1, "JVM exception occurred")),
    ],
)
def test_what_an_exception_says(trace: list[str], reply: Reply) -> None:
    assert told(1, "JVM exception occurred", trace) == reply
