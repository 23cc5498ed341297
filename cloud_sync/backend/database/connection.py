"""The way to the database. Its address holds a password, so neither is ever shown: errors name host and database."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from agent.domain.errors import AquaError
from agent.domain.secret import Secret

_FILE_VARIABLE = "AQUA_DATABASE_DSN_FILE"
_VARIABLE = "AQUA_DATABASE_DSN"


class DatabaseError(AquaError):
    """The database cannot be reached, refuses us, or is not what this software needs; the message says what to do."""


def dsn(file: Path | None, environment: Mapping[str, str] = os.environ) -> Secret:
    """The DSN in `file`, else in the file that AQUA_DATABASE_DSN_FILE names, else in AQUA_DATABASE_DSN.

    A URL or key=value pairs, as libpq takes them; what it leaves out comes from PGHOST, PGPASSFILE and the like.
    """
    if file is None and _FILE_VARIABLE in environment:
        file = Path(environment[_FILE_VARIABLE])
    if file is not None:
        try:
            found = Secret(file.read_text(encoding="utf-8").strip(), str(file))
        except (OSError, UnicodeDecodeError) as error:
            raise DatabaseError(f"the database's DSN cannot be read from {file}: {error}") from None
        if not found.reveal():
            raise DatabaseError(f"{file} is empty: write the database's DSN into it")
        return found
    if environment.get(_VARIABLE):
        return Secret(environment[_VARIABLE], _VARIABLE)
    raise DatabaseError(f"which database? Give --dsn-file FILE, or set {_FILE_VARIABLE} or {_VARIABLE}")


@contextmanager
def connected(dsn: Secret, autocommit: bool = False) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection, closed afterwards. DatabaseError for whatever the database has to say against it."""
    where = _where(dsn)
    try:
        with psycopg.connect(
            dsn.reveal(), autocommit=autocommit, connect_timeout=10, application_name="aqua-backend"
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise DatabaseError(f"{where}: {error}") from None


def _where(dsn: Secret) -> str:
    """Host and database. A password with unescaped `@`, `:` or `/` is told as parts of them, and must not be shown."""
    try:
        parts = conninfo_to_dict(dsn.reveal())
    except psycopg.ProgrammingError:
        parts = {"port": "unreadable"}
    host, port, name = (str(parts.get(key) or "") for key in ("host", "port", "dbname"))
    if "@" in host + name or not all(number.isdigit() for number in port.split(",") if number):
        raise DatabaseError(
            f"the DSN in {dsn.source} is not one of PostgreSQL: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "with the signs @ : / ? # % of the password as %40 %3A %2F %3F %23 %25"
        )
    return f"database {name or '(default)'} on {host or '(default host)'}"
