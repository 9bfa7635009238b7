"""What the errors say to the one who reads them, and what they keep to themselves."""

from __future__ import annotations

from bridge.errors import (
    BridgeError,
    ChangeRefused,
    ConfigInvalid,
    ConfigProblem,
    EnvelopeRejected,
    IntegrityBroken,
    KeyMissing,
    Problem,
    ProducerGap,
    SealBroken,
    SessionClosed,
    Unavailable,
)


def test_a_gap_names_topic_and_both_numbers() -> None:
    error = ProducerGap("0.0.7", expected=12, got=14)
    assert str(error) == "topic 0.0.7: expected producer sequence 12, got 14"
    assert isinstance(error, IntegrityBroken)
    assert "hcs-bridge topic show" in error.hint


def test_a_refusal_lists_every_problem_and_leads_with_the_first() -> None:
    problems = [Problem(0, "payload.hash", "string", "is not allowed"), Problem(3, "", "array", "must be an object")]
    error = ChangeRefused(problems)
    assert (error.status, error.field, error.reason) == (422, "payload.hash", "is not allowed")
    assert str(error) == "event 0: payload.hash (string): is not allowed; event 3: document (array): must be an object"


def test_every_config_problem_has_its_line() -> None:
    error = ConfigInvalid(
        [ConfigProblem("config.toml", "http.port", "'x'", "must be 0 to 65535"), ConfigProblem("env", "a.b", "1", "no")]
    )
    assert str(error) == "config.toml: http.port = 'x': must be 0 to 65535\nenv: a.b = 1: no"


def test_a_missing_key_is_an_envelope_that_is_skipped() -> None:
    error = KeyMissing(bytes.fromhex("0102030405060708"))
    assert isinstance(error, EnvelopeRejected)
    assert str(error) == "envelope rejected: no key 0102030405060708"


def test_texts_of_the_others() -> None:
    assert str(Unavailable("database", "locked", retry_after_s=2.0)) == "database is unavailable: locked"
    assert str(SealBroken("outbox 7")) == "outbox 7: does not open under its key"
    closed = SessionClosed(3005, "expired", reconnect=True)
    assert (str(closed), closed.reconnect) == ("session closed with 3005: expired", True)
    assert isinstance(closed, BridgeError)
