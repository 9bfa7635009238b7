"""The outbox's verbs: mistakes of usage, and what is asked before an event is given up."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from bridge.commands.outbox import State
from bridge.publish.outbox import EntryState
from tests.bridge.test_cli import configured, run, there

__all__ = ["there"]
ID = "01a2050c-a2fc-739b-aef2-b415706bdd2f"


class Terminal(io.StringIO):
    """A person who types this."""

    def isatty(self) -> bool:
        return True


def test_every_state_but_the_last_can_be_asked_for() -> None:
    assert {state.value for state in State} == {state.value for state in EntryState} - {"confirmed"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("retry",),
        ("retry", ID, "--campaign", "1"),
        ("drop",),
        ("drop", ID),
        ("list", "--state", "lost"),
        ("list", "--limit", "0"),
    ],
    ids=" ".join,
)
def test_mistakes_of_usage_end_with_2(
    there: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    configured(there)
    assert run("outbox", *arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_who_says_no_gives_nothing_up(
    there: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(there)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert run("outbox", "drop", ID) == 1
    assert "given up" not in capsys.readouterr().out
    assert not (there / "var/hcs-bridge.db").exists()


def test_an_event_that_is_not_there_is_told(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(there)
    assert run("outbox", "show", ID) == 1
    assert run("outbox", "show", "no id") == 1
    assert "hcs-bridge outbox list" in capsys.readouterr().err
    assert run("outbox", "list", "--json") == 0
    assert capsys.readouterr().out == '{"nothing_leaves": null, "campaigns": [], "entries": []}\n'


def test_a_campaign_that_nobody_knows_is_refused(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(there)
    assert run("outbox", "list", "--campaign", "nope") == 1
    shown = capsys.readouterr()
    assert (shown.out, "campaign nope is not registered" in shown.err) == ("", True)
    assert "hcs-bridge topic list" in shown.err


def test_a_reason_that_is_too_long_is_told_before_anybody_is_asked(
    there: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(there)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert run("outbox", "drop", ID, "--reason", "x" * 201) == 2
    shown = capsys.readouterr().err
    assert "the reason has 201 characters, and at most 200 are told" in shown
    assert "for good?" not in shown
