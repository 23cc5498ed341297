"""A real TimescaleDB, compiled to WebAssembly, in a Node process of its own: PostgreSQL 17 with TimescaleDB 2.23.

What it does not have: background workers (policies run by `CALL run_job(ID)` alone), more than one backend (all
clients share the session and its settings, so two can't wait for each other's locks), TLS, passwords.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.services.database_server import HOST, DatabaseServer

_SERVER = Path(__file__).with_name("timescale_server")
_CACHE = Path(__file__).parents[2] / ".services"


class Timescale(DatabaseServer):
    """Its data is in memory and ends with the process; with `durable` it is in a folder and outlives it."""

    def __init__(self, durable: bool = False) -> None:
        self._modules = _modules()
        super().__init__()
        self._data = str(self.folder / "data") if durable else "memory://"

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@{HOST}:{self.port}/postgres?sslmode=disable"

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The one database, emptied first: one test at a time."""
        self._empty()
        yield self.dsn

    def _command(self) -> Sequence[str]:
        return ["node", str(_SERVER / "server.mjs"), str(self._modules), str(self.port), self._data]

    def _empty(self) -> None:
        own = """SELECT nspname FROM pg_namespace
                 WHERE nspname !~ '^(pg_|information_schema$|_timescaledb|timescaledb|toolkit|public$)'"""
        in_public = """SELECT relname FROM pg_class
                       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT EXISTS
                             (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype = 'e')"""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("RESET ALL")
            connection.execute("SET client_min_messages = 'warning'; SET search_path = public; SET TimeZone = 'UTC'")
            for (name,) in connection.execute(own).fetchall():
                connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
            for (name,) in connection.execute(in_public).fetchall():
                connection.execute(sql.SQL("DROP TABLE public.{} CASCADE").format(sql.Identifier(name)))


def _modules() -> Path:
    """The folder that holds node_modules as the lock file names them, downloaded when it is not there yet."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here; install it with: sudo apt-get install nodejs npm")
    lock = (_SERVER / "package-lock.json").read_bytes()
    folder = _CACHE / f"timescale-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not folder.is_dir():
        _CACHE.mkdir(exist_ok=True)
        _download(folder)
    return folder


def _download(folder: Path) -> None:
    """Whole or not at all, also when two test runs do it at once."""
    with tempfile.TemporaryDirectory(dir=_CACHE, ignore_cleanup_errors=True) as name:
        downloaded = Path(name) / "modules"
        downloaded.mkdir()
        for file in ("package.json", "package-lock.json"):
            shutil.copy(_SERVER / file, downloaded)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=downloaded, capture_output=True, text=True)
        assert done.returncode == 0, f"npm ci: {done.stderr}"
        if not folder.is_dir():
            downloaded.rename(folder)
