"""`hcs-bridge doctor`: what can be checked without spending, a line for each, and what to do about it."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.commands.exits import FAILED, OK, USAGE

if TYPE_CHECKING:
    from bridge.doctor.findings import Finding

CONFIGURATION = "configuration"
_COLOURS = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "failed": typer.colors.RED}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="HCS_BRIDGE_CONFIG", help="Configuration file.")
    ] = Path("config.toml"),
) -> None:
    """Check configuration, keys, account, clock, mirrors, nodes, databases, key sets, bus and ports; change nothing.

    Works before the first start, and beside a running daemon. Ends with 0 if nothing failed; warnings don't count.
    """
    findings, code = diagnose(config, os.environ)
    typer.echo(as_report(findings) if as_json else as_text(findings))
    raise typer.Exit(code)


def diagnose(path: Path, environ: Mapping[str, str]) -> tuple[list[Finding], int]:
    """All findings, and the exit code: 0 nothing failed, 1 something did, 2 the configuration can't be run."""
    from bridge.config import load
    from bridge.doctor import findings as found
    from bridge.doctor.examination import examined
    from bridge.errors import ConfigInvalid

    try:
        config = load(path, environ)
    except ConfigInvalid as invalid:
        hint = "mend it, then run this again: the other checks need it"
        return [found.failed(CONFIGURATION, str(problem), hint) for problem in invalid.problems], USAGE
    network = f"{path}: network {config.network.name}, payer {config.operator.account}"
    findings = [found.ok(CONFIGURATION, network), *asyncio.run(examined(config))]
    is_sick = any(finding.status is found.Status.FAILED for finding in findings)
    return findings, FAILED if is_sick else OK


def as_report(findings: Sequence[Finding]) -> str:
    """{"ok", "checks": [{"name", "status", "found", "hint"}]}, as one line of JSON."""
    rows = [dataclasses.asdict(finding) for finding in findings]
    return json.dumps({"ok": all(row["status"] != "failed" for row in rows), "checks": rows})


def as_text(findings: Sequence[Finding]) -> str:
    """A line for each, and one with what to do where something is."""
    return "\n".join(map(_line, findings))


def _line(finding: Finding) -> str:
    status = typer.style(f"{finding.status:<8}", fg=_COLOURS[finding.status])
    text = f"{status} {finding.name}: {finding.found}"
    return f"{text}\n{'':8} → {finding.hint}" if finding.hint else text
