"""What `hcs-bridge publish` does around the publisher: opens the file, shows progress, and tells the outcome."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bridge.commands.addresses import http_url, trust
from bridge.commands.door import Door, api_key_for
from bridge.commands.exits import UNREACHABLE, USAGE, CommandFailed
from bridge.commands.publish import Publisher, RefusedLine, Summary
from bridge.config import Config

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    summary: Summary
    elapsed_s: float

    def as_text(self) -> str:
        """For people."""
        accepted, refused = self.summary.accepted, len(self.summary.refused)
        return f"{accepted} accepted, {refused} refused, {self.elapsed_s:.1f} s"

    def as_json(self) -> str:
        """For scripts: accepted, refused [{line, reasons}], elapsed_s."""
        refused = [
            {"line": line.number, "reasons": list(line.reasons)}
            for line in sorted(self.summary.refused, key=lambda line: line.number)
        ]
        return json.dumps(
            {"accepted": self.summary.accepted, "refused": refused, "elapsed_s": round(self.elapsed_s, 3)}
        )


async def publish_file(
    config: Config, file: str, *, label: str, url: str | None, patience_s: float, quiet: bool
) -> Outcome:
    """Publish the file, or standard input for `-`. Raises CommandFailed with how to resume.

    Input has no name to know it again by, and the same line twice is two events: without a label its run gets its own.
    """
    started = time.monotonic()
    if file == STDIN and not label:
        label = secrets.token_hex(8)
    console = Console(stderr=True, quiet=quiet)
    with _opened(file) as (lines, size), _progress(console, size) as bar:
        task = bar.add_task("publishing", total=size)

        def refused(line: RefusedLine) -> None:
            console.print(f"line {line.number}: refused: {'; '.join(line.reasons)}", markup=False, highlight=False)

        key = api_key_for(config, "events:write")
        known = None if url else trust(config.http.tls_certificate_file)
        async with Door(url or http_url(config), key, patience_s=patience_s, trust=known) as door:
            publisher = Publisher(
                door, label=label, on_refused=refused, on_progress=lambda done: bar.advance(task, done)
            )
            try:
                await publisher.publish(
                    lines, max_events=config.events.max_batch, max_bytes=config.events.max_body_bytes
                )
            except CommandFailed as failed:
                raise _resumable(failed, publisher.summary, file, label) from failed
    return Outcome(publisher.summary, time.monotonic() - started)


def _resumable(failed: CommandFailed, summary: Summary, file: str, label: str) -> CommandFailed:
    if failed.code != UNREACHABLE:
        return failed
    how = f"publish the same input with --again {label}" if file == STDIN else f"run the same command on {file} again"
    hint = f"{summary.accepted} events are safe; {how} to resume"
    return CommandFailed(str(failed), code=failed.code, hint=hint)


@contextmanager
def _opened(file: str) -> Iterator[tuple[BinaryIO, int | None]]:
    if file == STDIN:
        yield sys.stdin.buffer, None
        return
    path = Path(file)
    try:
        opened = path.open("rb")
    except OSError as error:
        raise CommandFailed(f"{file} can't be read: {error.strerror}", code=USAGE) from error
    with opened:
        yield opened, path.stat().st_size


def _progress(console: Console, size: int | None) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=size is None or not console.is_terminal)
