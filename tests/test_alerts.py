"""The rules for Prometheus fire when they should, say what to do, and ask like the dashboard for figures that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]

from bridge.cli import app

ROOT = Path(__file__).parents[1]
RULES = ROOT / "deploy/alerts.yml"
ALERTS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
NAME = re.compile(r"\b(?:hcs_bridge|process)_[a-z_]+")
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum")}
OF_THE_MACHINE = {"systemctl", "journalctl", "iostat", "top"}
MAX_RUNBOOK_CHARS = 140
SHARDS = "hcs_bridge_shards"
REFUSALS, OLDEST = "hcs_bridge_database_refusals_total", "hcs_bridge_oldest_entry_age_seconds"
BUDGET, LEFT, ANSWERS = "hcs_bridge_day_budget_hbar", "hcs_bridge_day_budget_left_hbar", "hcs_bridge_database_answers"


def promtool(*arguments: str) -> None:
    """Run it, and show what it says if it isn't content."""
    found = shutil.which("promtool")
    assert found is not None, "Debian's prometheus has it: `make test` installs it"
    run = subprocess.run([found, *arguments], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_promtool_takes_the_rules() -> None:
    promtool("check", "rules", str(RULES))


@pytest.mark.parametrize(
    ("alert", "series", "fires"),
    [
        ("BudgetNearlySpent", {BUDGET: "0.5x20", LEFT: "0.4x20"}, False),
        ("BudgetNearlySpent", {BUDGET: "0.5x20", LEFT: "0.04x20"}, True),
        ("BudgetNearlySpent", {BUDGET: "100x20", LEFT: "5x20"}, True),
        ("BudgetNearlySpent", {}, False),  # without a budget both are absent
        ("CampaignsOfNobody", {SHARDS + '{instance="a"}': "32x20", SHARDS + '{instance="b"}': "32x20"}, False),
        ("CampaignsOfNobody", {SHARDS + '{instance="a"}': "32x20", SHARDS + '{instance="b"}': "0x20"}, True),
        ("DatabaseSilent", {ANSWERS: "0x20"}, True),
        ("DatabaseSilent", {ANSWERS: "1x17 0 1 1"}, False),  # one look took too long
        ("WritesRefused", {REFUSALS: "0x13 3 4 5 6 7 8 9"}, True),
        ("WritesRefused", {REFUSALS: "0x16 1x5"}, False),  # somebody held it once
        ("WritesRefused", {REFUSALS: "7x20"}, False),
        ("OutboxStuck", {OLDEST: "0+60x20"}, True),
        ("OutboxStuck", {OLDEST: "40x20"}, False),
    ],
)
def test_a_rule_fires_when_it_should(tmp_path: Path, alert: str, series: dict[str, str], *, fires: bool) -> None:
    [rule] = [each for each in ALERTS if each["alert"] == alert]
    fired = [{"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}] if fires else []
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": "19m", "alertname": alert, "exp_alerts": fired}],
    }
    tests = tmp_path / "alerts_test.yml"
    tests.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    promtool("test", "rules", str(tests))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do_first_and_where_more_is_said(rule: dict[str, Any]) -> None:
    """The line begins with what to type; the page's section names it, too."""
    runbook, url = rule["annotations"]["runbook"], rule["annotations"]["runbook_url"]
    assert len(runbook) <= MAX_RUNBOOK_CHARS
    assert "\n" not in runbook
    first, *others = re.findall(r"`([^`]+)`", runbook)
    assert runbook.startswith(f"`{first}`")
    for command in (first, *others):
        assert is_there(command), command
    page, _, anchor = url.partition("#")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL))
    assert anchor == rule["alert"].lower()
    assert f"`{first}`" in sections[rule["alert"]]


def is_there(command: str) -> bool:
    """Whether it is one of the machine's, or a verb of ours with options that it has."""
    program, *words = command.split()
    if program in OF_THE_MACHINE:
        return True
    verb: Any = typer.main.get_command(app)
    while words and words[0] in getattr(verb, "commands", {}):
        verb = verb.commands[words.pop(0)]
    options = {name for each in verb.params for name in each.opts}
    return program == "hcs-bridge" and not hasattr(verb, "commands") and {w for w in words if w[0] == "-"} <= options


def queries() -> Iterator[tuple[str, str]]:
    """Where each expression stands, and what it is."""
    yield from ((rule["alert"], rule["expr"]) for rule in ALERTS)
    for panel in json.loads((ROOT / "deploy/grafana.json").read_text())["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", ()))


def test_rules_and_dashboard_ask_for_what_is_there() -> None:
    """As the page has it, which tests/bridge/test_metrics.py holds against the daemon."""
    page = (ROOT / "docs/metrics.md").read_text()
    names = set(re.findall(r"`(process_\w+)`", page))
    for name, kind in re.findall(r"^\| `(hcs_bridge_\w+)` \| (\w+) \|", page, re.MULTILINE):
        names |= {name + suffix for suffix in SUFFIXES.get(kind, ("",))}
    for place, query in queries():
        assert NAME.findall(query) or query.startswith("up{"), place
        assert not set(NAME.findall(query)) - names, place
