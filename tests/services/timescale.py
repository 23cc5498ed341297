"""A real TimescaleDB, compiled to WebAssembly, in a Node process: PostgreSQL 17 with TimescaleDB 2.23.

What it does not have: background workers (policies run by `CALL run_job(ID)` alone), more than one backend (all
clients share a session and its settings, so two can't wait for each other's locks), TLS, passwords.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests.services import downloads
from tests.services.service import HOST, NotInstalled, Service, free_port


class Timescale(Service):
    """Its one database is in memory, and ends with the process."""

    name = "TimescaleDB"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder)
        self.port = port or free_port()

    @property
    def address(self) -> str:
        return self.dsn

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@{HOST}:{self.port}/postgres?sslmode=disable"

    @property
    def data(self) -> str:
        return "memory://"

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The DSN of the one database, emptied first: one test at a time."""
        self._empty()
        yield self.dsn

    def command(self) -> Sequence[str]:
        program = shutil.which("node")
        if program is None:
            raise NotInstalled("there is no Node.js here; install it with: sudo apt-get install nodejs npm")
        server = downloads.TIMESCALE_SERVER / "server.mjs"
        return [program, str(server), str(downloads.timescale()), str(self.port), self.data]

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.dsn, connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _empty(self) -> None:
        own = """SELECT nspname FROM pg_namespace
                 WHERE nspname !~ '^(pg_|information_schema$|_timescaledb|timescaledb|toolkit|public$)'"""
        in_public = """SELECT relname FROM pg_class
                       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT EXISTS
                             (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype = 'e')"""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            # The one session's settings are everybody's: whatever the last test left of them goes too.
            connection.execute("RESET ALL; SET search_path = public; SET TimeZone = 'UTC'")
            connection.execute("SET client_min_messages = 'warning'")
            for (name,) in connection.execute(own).fetchall():
                connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
            for (name,) in connection.execute(in_public).fetchall():
                connection.execute(sql.SQL("DROP TABLE public.{} CASCADE").format(sql.Identifier(name)))


class LastingTimescale(Timescale):
    """Its database is in the folder, and outlives a stop or a kill."""

    @property
    def data(self) -> str:
        return str(self.folder / "data")
