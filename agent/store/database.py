"""Opening the SQLite file so that it survives power cuts, and setting a rotten one aside instead of refusing to run.

WAL with `synchronous=FULL`: what a commit returned is on the disk. One connection writes, reads for the uplink and
checkpoints. SQLite before 3.51.3 can corrupt a file when two do (sqlite.org/changes.html, the WAL-reset bug), so no
other process ever writes here: commands leave requests for the gateway.
"""

import logging
import sqlite3
from functools import cache
from importlib.resources import files
from pathlib import Path

from agent.domain.errors import StoreError
from agent.store.flags_view import write_view
from agent.store.room import PAGE_BYTES, Room, page_bytes

log = logging.getLogger(__name__)

SCHEMA_VERSION = 3

_ROTTEN = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def open_database(path: Path, room: Room) -> sqlite3.Connection:
    """The open database at `path`, made anew (and pre-sized) where there is none, taken over from an older schema.

    Raises sqlite3.Error, StoreError or OSError when that cannot be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
    # A flipped bit can make text that is none; the row's checksum is to find that, not an error in every query.
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    try:
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{path}: SQLite cannot use a write-ahead log here (it answered {mode!r})")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = OFF")  # on a card, zeros over what was deleted are only wear
        connection.execute("PRAGMA cache_size = -1024")
        connection.execute(f"PRAGMA journal_size_limit = {room.log_bytes}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {room.checkpoint_bytes // page_bytes(connection)}")
        room.limit(connection)
        _create_or_migrate(connection, path, room)
        write_view(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def keep_log(path: Path) -> sqlite3.Connection | None:
    """A connection that holds on to the write-ahead log: closed after the writer, it leaves the file where it is.

    The last writer to close would delete it, and on a full disk it could not be made again. None if it cannot be had.
    """
    try:
        holder = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    except sqlite3.Error:
        return None
    try:
        holder.execute("SELECT 1 FROM marks LIMIT 1").fetchone()
    except sqlite3.Error:
        holder.close()
        return None
    return holder


def has_wal_reset_bug(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether two writing connections could corrupt a file with this SQLite (mended in 3.51.3, 3.50.7 and 3.44.6)."""
    mended = {(3, 44): 6, (3, 50): 7}.get(version[:2])
    return version < (3, 51, 3) and (mended is None or version[2] < mended)


def storable(text: str) -> str:
    """Text that SQLite takes: a lone surrogate, as garbled JSON can bring in, becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_rotten(error: Exception) -> bool:
    """Whether SQLite says that the file itself is damaged, or no database at all."""
    return getattr(error, "sqlite_errorname", "").startswith(_ROTTEN)


def is_full(error: sqlite3.Error) -> bool:
    """Whether there is no room: the disk's, or what the file may have."""
    return getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"


def set_aside(path: Path) -> Path:
    """Rename the database and its log; returns its new place. Raises StoreError if that is refused."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        path.with_name(path.name + "-shm").unlink(missing_ok=True)  # only an index of the log, made anew at need
        for suffix in ("-wal", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise StoreError(f"{path} is damaged and cannot be set aside: {error.strerror}") from error
    return aside


def _create_or_migrate(connection: sqlite3.Connection, path: Path, room: Room) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {schema()}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        room.fill(connection, second_copies())
    elif version == 1:
        log.warning("%s is taken over from schema 1, which may take some minutes", path)
        # Once in the life of a file: no gateway is to hold sqlite-utils in memory for it.
        from agent.store.migration import keep_copy, migrate

        keep_copy(connection, path, version)
        migrate(connection, schema(), room.rows_at_once)
        connection.executescript(second_copies())
    elif version == 2:
        from agent.store.migration import keep_copy, migrate_alarms

        keep_copy(connection, path, version)
        migrate_alarms(connection, schema())
    elif version == SCHEMA_VERSION:
        connection.executescript(second_copies())
        connection.execute("DROP TABLE IF EXISTS filling")  # of a pre-sizing that was cut short
    else:
        raise StoreError(f"{path} was written by another version (schema {version}, this one reads {SCHEMA_VERSION})")
    connection.execute(learnt())


@cache
def schema() -> str:
    """The SQL that makes an empty ring buffer."""
    return files("agent.store").joinpath("schema.sql").read_text()


@cache
def learnt() -> str:
    """The SQL that makes the table of what checks have learnt, where it is not there yet. It is no part of `schema`, by
    which damaged files are salvaged.
    """
    return files("agent.store").joinpath("learnt.sql").read_text()


@cache
def second_copies() -> str:
    """The SQL that makes the second copies, where they are not there yet."""
    return files("agent.store").joinpath("second_copies.sql").read_text()
