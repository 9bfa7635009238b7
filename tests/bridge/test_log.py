"""Logging: one line an event, for people or for machines, and nothing secret in it."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys

import pytest

from bridge.config_sections import Log
from bridge.log import REDACTED, SELDOM_S, Seldom, get_logger, set_up


def logged(section: Log) -> io.StringIO:
    stream = io.StringIO()
    set_up(section, stream)
    return stream


def test_json_carries_event_level_logger_and_fields() -> None:
    stream = logged(Log(format="json"))
    get_logger("bridge.x").info("topic created", topic_id="0.0.7")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["logger"], line["topic_id"]) == (
        "topic created",
        "info",
        "bridge.x",
        "0.0.7",
    )
    assert line["timestamp"].endswith("Z")


def test_what_is_not_a_terminal_gets_json() -> None:
    stream = logged(Log())
    get_logger("x").warning("hello")
    assert json.loads(stream.getvalue())["event"] == "hello"


def test_stdlib_logging_goes_the_same_way() -> None:
    stream = logged(Log(format="json"))
    logging.getLogger("topics.mirror").warning("mirror answered %d", 429, extra={"host": "m"})
    line = json.loads(stream.getvalue())
    assert (line["event"], line["logger"], line["host"]) == ("mirror answered 429", "topics.mirror", "m")


@pytest.mark.parametrize("form", ["json", "console"])
def test_secrets_are_blacked_out(form: str) -> None:
    stream = logged(Log.model_validate({"format": form}))
    get_logger("x").info("hello", token="t0psecret", Authorization="t0psecret", user="77")
    logging.getLogger("topics").warning("hello", extra={"private_key": "t0psecret"})
    assert "t0psecret" not in stream.getvalue()
    assert stream.getvalue().count(REDACTED) == 3


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variables(form: str) -> None:
    stream = logged(Log.model_validate({"format": form}))
    held = "".join(["t0p", "secret"])
    try:
        dict[int, int]()[len(held)]
    except KeyError:
        get_logger("x").exception("failed")
    assert "KeyError: 9" in stream.getvalue()
    assert "t0psecret" not in stream.getvalue()


def test_the_level_holds_for_all() -> None:
    stream = logged(Log(level="warning", format="json"))
    get_logger("x").info("quiet")
    logging.getLogger("topics").info("quiet")
    assert stream.getvalue() == ""
    stream = logged(Log(level="info", format="json"))
    logging.getLogger("aiohttp.access").info("quiet")
    assert stream.getvalue() == ""


def test_what_a_library_could_not_tidy_up_behind_an_error_that_it_raises_is_not_told() -> None:
    stream = logged(Log(format="json"))
    logging.getLogger("psycopg").warning("error ignored terminating a pipeline")
    assert stream.getvalue() == ""


def test_debug_does_not_write_down_requests_which_hold_tokens() -> None:
    stream = logged(Log(level="debug"))
    logging.getLogger("websockets.server").debug("< GET /ws?access_token=secret HTTP/1.1")
    logging.getLogger("bridge.x").debug("hello")
    assert "secret" not in stream.getvalue()
    assert "hello" in stream.getvalue()


def test_a_flood_is_a_line_a_minute_for_each_reason_with_how_often_it_was() -> None:
    now_s = 1000.0
    seldom = Seldom(lambda: now_s)
    assert [seldom.due("bad") for _ in range(500)] == [1] + [0] * 499
    assert seldom.due("other") == 1
    now_s += SELDOM_S - 1
    assert seldom.due("bad") == 0
    now_s += 1
    assert [seldom.due("bad"), seldom.due("bad"), seldom.due("other")] == [501, 0, 1]


def test_without_set_up_warnings_go_to_stderr_and_nothing_to_standard_output() -> None:
    said = "from bridge.log import get_logger as of; of('a').info('quiet'); of('a').warning('loud', token='t', n=1)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "event='loud' token='[redacted]' n=1\n")
