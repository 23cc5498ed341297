"""Every error that PostgreSQL knows, and what the uplink makes of it."""

import psycopg
import pytest
from psycopg import errors

from cloud_sync.uplink.breaker import Failure
from cloud_sync.uplink.timescale_errors import FAILURES, SMALLER_MAY_DO, TOO_LARGE, failure_of, reason_of

ALL = {
    error.sqlstate: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, psycopg.Error) and isinstance(error.sqlstate, str)
}
# Cursors, savepoints, functions, foreign tables, and what is no error at all: nothing here asks for them.
UNKNOWN = {
    "02", "03", "09", "0B", "0F", "0Z", "10", "20", "24", "25", "27", "2B", "2D", "2F", "34", "38", "39", "3B", "55",
    "HV", "P0", "XX",
}  # fmt: skip


def test_psycopg_knows_as_many_errors_as_ever() -> None:
    assert len(ALL) > 240


@pytest.mark.parametrize("code", ALL)
def test_every_error_is_of_one_kind(code: str) -> None:
    """A class that a later PostgreSQL brings fails here, until somebody has thought about it."""
    failure = failure_of(ALL[code]("words"))
    if code in FAILURES:
        assert failure is FAILURES[code]
    elif code[:2] in FAILURES:
        assert failure is FAILURES[code[:2]] and code[:2] not in UNKNOWN
    else:
        assert failure is Failure.UNKNOWN and code[:2] in UNKNOWN


def test_the_table_names_nothing_that_is_not_there() -> None:
    known = set(ALL) | {code[:2] for code in ALL}
    assert set(FAILURES) | SMALLER_MAY_DO | {TOO_LARGE} <= known
    assert not UNKNOWN & set(FAILURES)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (errors.ConnectionFailure, Failure.RETRIABLE),
        (errors.DiskFull, Failure.RETRIABLE),
        (errors.AdminShutdown, Failure.RETRIABLE),
        (errors.CannotConnectNow, Failure.RETRIABLE),
        (errors.QueryCanceled, Failure.RETRIABLE),
        (errors.SerializationFailure, Failure.RETRIABLE),
        (errors.DeadlockDetected, Failure.RETRIABLE),
        (errors.LockNotAvailable, Failure.RETRIABLE),
        (errors.ReadOnlySqlTransaction, Failure.RETRIABLE),
        (errors.InvalidPassword, Failure.NEEDS_A_PERSON),
        (errors.InvalidCatalogName, Failure.NEEDS_A_PERSON),
        (errors.UndefinedTable, Failure.NEEDS_A_PERSON),
        (errors.InsufficientPrivilege, Failure.NEEDS_A_PERSON),
        (errors.DatabaseDropped, Failure.NEEDS_A_PERSON),
        (errors.UndefinedFile, Failure.NEEDS_A_PERSON),
        (errors.NumericValueOutOfRange, Failure.POISON),
        (errors.CheckViolation, Failure.POISON),
        (errors.ProgramLimitExceeded, Failure.POISON),
        (errors.RaiseException, Failure.POISON),
        (errors.InternalError_, Failure.UNKNOWN),
        (errors.ObjectNotInPrerequisiteState, Failure.UNKNOWN),
    ],
)
def test_what_is_met_in_the_field(error: type[psycopg.Error], failure: Failure) -> None:
    assert failure_of(error("words")) is failure


@pytest.mark.parametrize(
    ("words", "failure"),
    [
        ("connection to server failed: Connection refused", Failure.RETRIABLE),
        ("FATAL:  the database system is starting up", Failure.RETRIABLE),
        ("FATAL:  sorry, too many clients already", Failure.RETRIABLE),
        ("SSL error: unexpected eof while reading", Failure.RETRIABLE),
        ("failed to resolve host 'db.farm': [Errno -2] Name or service not known", Failure.RETRIABLE),
        ('FATAL:  password authentication failed for user "farm-1"', Failure.NEEDS_A_PERSON),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "farm-1"', Failure.NEEDS_A_PERSON),
        ('FATAL:  database "pond" does not exist', Failure.NEEDS_A_PERSON),
        ("server does not support SSL, but SSL was required", Failure.NEEDS_A_PERSON),
        ("SSL error: certificate verify failed", Failure.NEEDS_A_PERSON),
        ("SSL error: tlsv1 alert unknown ca", Failure.NEEDS_A_PERSON),
    ],
)
def test_what_is_told_in_words_alone(words: str, failure: Failure) -> None:
    assert failure_of(psycopg.OperationalError(words)) is failure


def test_what_the_client_itself_finds() -> None:
    assert failure_of(psycopg.DataError("cannot dump lists of mixed types")) is Failure.POISON
    assert failure_of(psycopg.NotSupportedError("pipeline mode")) is Failure.NEEDS_A_PERSON
    assert failure_of(psycopg.InterfaceError("a bug")) is Failure.UNKNOWN


def test_a_reason_is_one_line_with_code_and_remedy() -> None:
    missing = errors.UndefinedTable('relation "x" does not\nexist')
    expected = 'relation "x" does not exist [42P01]: the database is not as this software needs it'
    assert reason_of(missing).startswith(expected)
    assert reason_of(psycopg.OperationalError("Connection refused")) == "Connection refused"
    assert len(reason_of(errors.CheckViolation("x" * 10_000))) < 600
