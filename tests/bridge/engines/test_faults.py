"""What databases refuse: as ours, with a hint, and apart from what is a fault of our own."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from bridge.engines.faults import Conflict, unavailable
from bridge.errors import Unavailable


class Said(Exception):
    """As psycopg's errors: with the SQLSTATE."""

    def __init__(self, sqlstate: str | None, text: str = "so it said\nLINE 1: SELECT a secret") -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


def refused(orig: BaseException, kind: type[DBAPIError] = OperationalError, *, broken: bool = False) -> Exception:
    with pytest.raises(Exception) as caught, unavailable():  # noqa: PT011 # which one is what the tests ask
        raise kind("SELECT a secret", {}, orig, connection_invalidated=broken)
    assert isinstance(caught.value, Exception)
    return caught.value


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        ("08006", "can be reached"),
        ("25006", "takes writes"),
        ("25P03", "stood still"),
        ("28P01", "password"),
        ("28000", "pg_hba.conf"),
        ("3D000", "CREATE DATABASE"),
        ("42501", "GRANT CREATE"),
        ("53100", "make room"),
        ("53300", "max_connections"),
        ("53200", "own log"),
        ("55P03", "pg_stat_activity"),
        ("57P01", "being stopped"),
        ("57P03", "being started"),
        ("58030", "not well"),
        (None, "can be reached"),
    ],
)
def test_what_a_server_can_not_do_comes_with_what_to_do(state: str | None, hint: str) -> None:
    error = refused(Said(state))
    assert isinstance(error, Unavailable)
    assert hint in error.hint
    assert str(error) == "the database is unavailable: so it said"


IN = 'connection failed: connection to server at "10.0.0.7", port 5432 failed: '


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            f'{IN}FATAL:  password authentication failed for user "bob"',
            "password authentication failed",
            "the password",
        ),
        (f"{IN}fe_sendauth: no password supplied", "no password supplied", "the password"),
        (f'{IN}FATAL:  role "bob" is not permitted to log in', 'role "bob" is not permitted', "LOGIN"),
        (
            f'{IN}FATAL:  no pg_hba.conf entry for host "10.0.0.8", user "bob"',
            "no pg_hba.conf entry",
            "a line of pg_hba",
        ),
        (f'{IN}FATAL:  database "app" does not exist', 'database "app" does not exist', "CREATE DATABASE"),
        (f'{IN}FATAL:  permission denied for database "app"\nDETAIL: …', "permission denied", "CONNECT"),
        (f"{IN}FATAL:  sorry, too many clients already", "too many clients", "max_connections"),
        (f"{IN}FATAL:  remaining connection slots are reserved", "slots are reserved", "max_connections"),
        (f"{IN}FATAL:  the database system is starting up", "is starting up", "started or stopped"),
        (f"{IN}Connection refused\n\tIs the server running?", "10.0.0.7", "can be reached"),
    ],
)
def test_a_server_that_lets_nobody_in_is_understood_by_its_words(text: str, said: str, hint: str) -> None:
    error = refused(Said(None, text))
    assert isinstance(error, Unavailable)
    assert said in error.reason
    assert "\n" not in error.reason
    assert hint in error.hint


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_what_may_succeed_again_is_told_apart(state: str) -> None:
    assert isinstance(refused(Said(state)), Conflict)


@pytest.mark.parametrize("state", ["42P01", "23505", "22001"])
def test_what_is_our_own_fault_stays_what_it_is(state: str) -> None:
    assert isinstance(refused(Said(state), IntegrityError), IntegrityError)


def test_a_connection_that_broke_is_no_fault_of_ours() -> None:
    assert isinstance(refused(Said(None), DBAPIError, broken=True), Unavailable)
    assert isinstance(refused(Said(None), DBAPIError), DBAPIError)


def test_sqlites_faults_go_by_their_names() -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode, full.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
    error = refused(full)
    assert isinstance(error, Unavailable)
    assert error.hint == "make room on its disk"
    ours = sqlite3.OperationalError("no such table")
    ours.sqlite_errorcode, ours.sqlite_errorname = sqlite3.SQLITE_ERROR, "SQLITE_ERROR"
    assert isinstance(refused(ours), OperationalError)
