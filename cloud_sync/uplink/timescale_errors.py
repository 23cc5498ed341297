"""What PostgreSQL's errors mean for the uplink: by SQLSTATE, and by words where a connection fails before it has one.

The first two characters of a code are its class. What is neither in the table nor of a class in it is UNKNOWN: whoever
sees one has found a bug, here or there, and a person is told when it does not end.
"""

from collections.abc import Mapping
from typing import Final

import psycopg

from cloud_sync.uplink.breaker import Failure

_TABLE: Final[Mapping[Failure, Mapping[str, str]]] = {
    Failure.RETRIABLE: {
        "08": "the connection",
        "25006": "read only: a failover, or a server that has run full",
        "25P03": "idle in a transaction for too long",
        "25P04": "a transaction that took too long",
        "26": "a prepared statement of another session, behind a pooler",
        "40": "deadlock, serialisation",
        "53": "no room, no memory, too many connections",
        "55006": "an object in use",
        "55P03": "a lock that was not to be had in time",
        "57": "shutdown, start, recovery; 57014 is the statement timeout",
        "58": "the server's disk",
        "72": "a snapshot that is too old",
    },
    Failure.NEEDS_A_PERSON: {
        "0A": "a feature that this server lacks",
        "0L": "a grantor",
        "0P": "a role",
        "28": "user or password",
        "3D": "no such database",
        "3F": "no such schema",
        "42": "no such table or column, no right to it",
        "57P04": "the database was dropped",
        "58P01": "a file of the server is missing, perhaps TimescaleDB's own",
        "58P02": "a file of the server is there twice",
        "F0": "the server's configuration",
        "XX001": "damaged data at the server",
        "XX002": "a damaged index at the server",
    },
    Failure.POISON: {
        "21": "one row twice in a statement",
        "22": "a value that its column cannot hold",
        "23": "a constraint",
        "44": "the check of a view",
        "54": "larger than the server can take",
        "P0001": "refused by a trigger",
    },
}
FAILURES: Final = {code: failure for failure, codes in _TABLE.items() for code in codes}

SMALLER_MAY_DO: Final = {"53200", "53400", "57014"}
"""Out of memory, more than TimescaleDB will decompress for one statement, out of time: to be had with fewer rows."""

TOO_LARGE: Final = "54"

# Refused while connecting, told in words alone (the server's are English unless its lc_messages says otherwise).
_OF_A_PERSON: Final = (
    "authentication failed", "authentication method", "no password supplied", "pg_hba.conf", "does not exist",
    "not permitted to log in", "permission denied", "not currently accepting connections", "certificate", "private key",
    "does not support ssl", " alert ", "unsupported frontend protocol",
)  # fmt: skip
_MIGRATE: Final = "the database is not as this software needs it, run `aqua-backend db migrate`"
_REMEDIES: Final = {
    "3F000": _MIGRATE,
    "42P01": _MIGRATE,
    "42703": _MIGRATE,
    "42P10": _MIGRATE,
    "42501": "grant the gateway's user what it needs, as the README says",
    "certificate": "is the clock right, and ca_file the server's?",
    "authentication failed": "are user and password right?",
}


def failure_of(error: psycopg.Error) -> Failure:
    if error.sqlstate is not None:
        return FAILURES.get(error.sqlstate) or FAILURES.get(error.sqlstate[:2], Failure.UNKNOWN)
    match error:
        case psycopg.DataError():  # found here already, when a row was put into the form of the wire
            return Failure.POISON
        case psycopg.OperationalError():
            words = str(error).lower()
            return Failure.NEEDS_A_PERSON if any(some in words for some in _OF_A_PERSON) else Failure.RETRIABLE
        case psycopg.NotSupportedError():  # a libpq that is too old
            return Failure.NEEDS_A_PERSON
    return Failure.UNKNOWN


def reason_of(error: psycopg.Error) -> str:
    """One line: what was said, its code, and what a person can do about it where that is known."""
    said = filter(None, (error.diag.message_primary or str(error), error.diag.message_detail))
    words = " ".join("; ".join(said).split())[:500]
    code = f" [{error.sqlstate}]" if error.sqlstate else ""
    remedy = next((remedy for sign, remedy in _REMEDIES.items() if sign in (error.sqlstate or words)), None)
    return f"{words}{code}" if remedy is None else f"{words}{code}: {remedy}"
