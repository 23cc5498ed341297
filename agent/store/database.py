"""Opening the SQLite file so that it survives power cuts, and setting a rotten one aside instead of refusing to run.

WAL with `synchronous=FULL`: what a commit returned is on the disk. One connection writes, reads for the uplink and
checkpoints; SQLite before 3.51.3 can corrupt a WAL file when two do (sqlite.org/changes.html, the WAL-reset bug).
"""

import logging
import sqlite3
from importlib.resources import files
from pathlib import Path

from agent.domain.errors import StoreError

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1

_ROTTEN = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def open_database(path: Path) -> sqlite3.Connection:
    """The open database at `path`, made anew where there is none or where the file is not readable as one.

    A rotten file is renamed, never deleted. Raises StoreError, naming the path, when nothing can be opened there.
    """
    try:
        return _open(path)
    except sqlite3.Error as error:
        if not is_rotten(error):
            raise StoreError(f"{path}: {error}") from error
        aside = set_aside(path)
        log.error("%s is damaged (%s): set aside as %s, beginning a new one", path, error, aside.name)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    try:
        return _open(path)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error


def storable(text: str) -> str:
    """Text that SQLite takes: a lone surrogate, as garbled JSON can bring in, becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_rotten(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file itself is damaged, or no database at all."""
    return getattr(error, "sqlite_errorname", "").startswith(_ROTTEN)


def set_aside(path: Path) -> Path:
    """Rename the database and what belongs to it; returns its new place. Raises StoreError if that is refused."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise StoreError(f"{path} is damaged and cannot be set aside: {error.strerror}") from error
    return aside


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
    try:
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA page_size = 4096")
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{path}: SQLite cannot use a write-ahead log here (it answered {mode!r})")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        connection.execute("PRAGMA cache_size = -1024")
        _create_or_check(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _create_or_check(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == SCHEMA_VERSION:
        return
    if version != 0:
        raise StoreError(f"{path} was written by another version (schema {version}, this one reads {SCHEMA_VERSION})")
    schema = files("agent.store").joinpath("schema.sql").read_text()
    connection.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
