"""Bringing a database to the newest version: forward only, one transaction a step, and one at a time.

Every step takes the same lock, looks at what is applied by now, and applies the next: two that run at once take turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import Connection

from cloud_sync.backend.database.connection import DatabaseError
from cloud_sync.backend.database.migrations import Flavour, Migration, migrations

OLDEST_POSTGRES = 15
OLDEST_TIMESCALE = (2, 23)
_LOCK = 0x61717561  # "aqua"
_WITHOUT_TIMESCALE = (
    "this is plain PostgreSQL without {why}: readings are not compressed or cut into chunks, none are dropped by age, "
    "and hours and days are added up anew for every question"
)


@dataclass(frozen=True, slots=True)
class State:
    """Where a database is: what it was made as (None: nothing yet), and the steps it has and lacks."""

    flavour: Flavour | None
    applied: Sequence[Migration]
    pending: Sequence[Migration]


def state(connection: Connection[Any], known: Sequence[Migration] | None = None) -> State:
    """DatabaseError for a database that is newer than this software, or whose steps are not ours."""
    known = migrations() if known is None else known
    (there,) = _row(connection, "SELECT to_regclass('aqua.migrations') IS NOT NULL")
    if not there:
        return State(None, [], known)
    ask = "SELECT version, name, flavour, checksum FROM aqua.migrations ORDER BY version"
    rows = connection.execute(ask).fetchall()
    for (version, name, flavour, checksum), migration in zip(rows, known, strict=False):
        if version != migration.version or checksum != migration.checksum(Flavour(flavour)):
            raise DatabaseError(
                f"migration {version:04d}_{name} was changed after it was applied to this database: "
                f"put back sql/{migration} as it was released, and make the change in a new migration"
            )
    if len(rows) > len(known):
        raise DatabaseError(
            f"the database is at version {rows[-1][0]}, this software knows no more than {len(known)}: "
            "install the newer aqua-backend"
        )
    return State(Flavour(rows[0][2]) if rows else None, known[: len(rows)], known[len(rows) :])


def migrate(connection: Connection[Any], known: Sequence[Migration] | None = None) -> list[Migration]:
    """Apply what is pending; returns what was applied here. A step that fails leaves the database as it was before it.

    `connection` is not in a transaction. DatabaseError names the step and what the database said.
    """
    done: list[Migration] = []
    while (migration := _step(connection, known)) is not None:
        done.append(migration)
    return done


def notice(connection: Connection[Any]) -> str | None:
    """What is missing of a database that was made without TimescaleDB; None where nothing is."""
    if state(connection).flavour is not Flavour.POSTGRES:
        return None
    if _installed(connection) is None:
        return _WITHOUT_TIMESCALE.format(why="TimescaleDB")
    return _WITHOUT_TIMESCALE.format(why="use of TimescaleDB, which came later or as Apache edition")


def _step(connection: Connection[Any], known: Sequence[Migration] | None) -> Migration | None:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        now = state(connection, known)
        if not now.pending:
            return None
        flavour = now.flavour or _begin(connection)
        migration = now.pending[0]
        try:
            # Without parameters one call takes a whole file of statements.
            connection.execute(migration.texts[flavour].encode())
        except psycopg.Error as error:
            raise DatabaseError(f"migration {migration} failed and was undone: {error}") from error
        connection.execute(
            "INSERT INTO aqua.migrations (version, name, flavour, checksum) VALUES (%s, %s, %s, %s)",
            [migration.version, migration.name, flavour, migration.checksum(flavour)],
        )
    return migration


def _begin(connection: Connection[Any]) -> Flavour:
    """The first step of a new database: what it is made as."""
    if connection.info.server_version < OLDEST_POSTGRES * 10_000:
        version = connection.info.parameter_status("server_version")
        raise DatabaseError(f"this is PostgreSQL {version}: {OLDEST_POSTGRES} or newer is needed")
    flavour = _flavour(connection)
    connection.execute("""
        CREATE SCHEMA aqua;
        CREATE TABLE aqua.migrations (
            version INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            flavour TEXT NOT NULL,
            checksum TEXT NOT NULL,
            applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )""")
    return flavour


def _flavour(connection: Connection[Any]) -> Flavour:
    (available,) = _row(connection, "SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'")
    if not available:
        return Flavour.POSTGRES
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except psycopg.Error as error:
        raise DatabaseError(
            "TimescaleDB is installed on this server but cannot be used: add timescaledb to shared_preload_libraries "
            f"and restart it, or let its superuser run CREATE EXTENSION timescaledb ({error})"
        ) from None
    version = _installed(connection) or ""
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_TIMESCALE:
        wanted = ".".join(map(str, OLDEST_TIMESCALE))
        raise DatabaseError(f"TimescaleDB {version} is too old, {wanted} is needed: ALTER EXTENSION timescaledb UPDATE")
    (licence,) = _row(connection, "SELECT current_setting('timescaledb.license', true)")
    return Flavour.POSTGRES if licence == "apache" else Flavour.TIMESCALE


def _installed(connection: Connection[Any]) -> str | None:
    row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    return None if row is None else str(row[0])


def _row(connection: Connection[Any], question: LiteralString) -> Any:
    row = connection.execute(question).fetchone()
    if row is None:
        raise DatabaseError(f"no answer to {question}")
    return row
