"""The write-ahead log, looked at where SQLite would pass over damage in silence."""

import sqlite3
from pathlib import Path

from agent.store.checksum import damaged
from agent.store.salvage.frames import FRAME_HEADER, LOG_HEADER, goes_on, is_damaged, page_bytes


def check_log(path: Path) -> None:
    """Raises sqlite3.DatabaseError (SQLITE_CORRUPT) if the write-ahead log begins with rubbish. SQLite would take it
    for empty and delete it, with all that is in it.
    """
    try:
        with path.with_name(path.name + "-wal").open("rb") as file:
            header = file.read(LOG_HEADER)
    except FileNotFoundError:
        return
    if len(header) == LOG_HEADER and is_damaged(header):
        raise damaged("the write-ahead log is no log any more")


def ends_in_doubt(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the log goes on behind what SQLite made of it: a power cut tore the last commit, or damage hides some."""
    valid: int = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    with path.with_name(path.name + "-wal").open("rb") as file:
        header = file.read(LOG_HEADER)
        file.seek(LOG_HEADER + max(valid, 0) * (FRAME_HEADER + page_bytes(header)))
        return len(header) == LOG_HEADER and goes_on(header, file.read(FRAME_HEADER))
