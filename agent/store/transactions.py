"""Transactions on the one database, opened anew after every failure, so that nothing cached outlives a rollback.

A rotten file is set aside and a fresh one begun; on a full disk the oldest readings make room.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from agent.domain.clock import Instant
from agent.domain.errors import StoreError
from agent.store.database import has_wal_reset_bug, is_full, is_rotten, keep_log, set_aside
from agent.store.room import Room
from agent.store.tables import Tables, open_tables

log = logging.getLogger(__name__)

T = TypeVar("T")


class Transactions:
    """Owns the database at `path`; every method raises StoreError, naming the file. `last_seq` is the highest number
    that a reading is known to have, if that is known.
    """

    def __init__(self, path: Path, room: Room, sinks: Sequence[str], now: Callable[[], Instant]) -> None:
        self._path = path
        self._room = room
        self._sinks = sinks
        self._now = now
        self._tables: Tables | None = None
        self._log_keeper: sqlite3.Connection | None = None
        self.last_seq: int | None = None
        if has_wal_reset_bug():
            log.info("SQLite %s may damage %s if another process writes it: only read it", sqlite3.sqlite_version, path)

    @property
    def tables(self) -> Tables | None:
        """None while nothing is open."""
        return self._tables

    @property
    def is_begun(self) -> bool:
        """Whether something is written that is not durable yet."""
        return self._tables is not None and self._tables.connection.in_transaction

    def within(self, work: Callable[[Tables], T], durable: bool = True) -> T:
        """One piece of work in a transaction; once more with a fresh database if the file turns out to be damaged, or
        when the oldest have made room on a full disk.
        """
        try:
            return self._tried(work, durable)
        except _Rotten as error:
            self._set_aside(error)
        except _DiskFull:
            self._room.drop_ballast()
            self._tried(lambda tables: tables.eviction.evict(), True)
        return self._tried(work, durable)

    def look(self, work: Callable[[Tables], T]) -> T:
        """Read; should something have to be written first (a damaged row, a time that is now final), that is durable
        before anything is handed out.
        """
        changes_before = self._tables.connection.total_changes if self._tables else 0
        pending = self.is_begun
        result = self.within(work, durable=False)
        tables = self._tables
        if tables is not None and (not pending or tables.connection.total_changes != changes_before):
            self.within(lambda _: None)
        return result

    def opened(self) -> Tables:
        """The tables of a database that is still where it was."""
        if self._tables is None:
            self._tables = self._open()
            self._log_keeper = self._log_keeper or keep_log(self._path)
            self.last_seq = self._tables.ring.last_seq
        elif self._is_elsewhere(self._tables.inode):
            # SQLite would go on writing into a file that nobody can find any more.
            self.close()
            raise StoreError(f"{self._path} was removed or replaced while in use; what it held is gone with it")
        return self._tables

    def close(self) -> None:
        """Close the database; an unfinished transaction is rolled back. The write-ahead log stays where it is."""
        tables, self._tables = self._tables, None
        if tables is not None:
            tables.connection.close()
        keeper, self._log_keeper = self._log_keeper, None
        if keeper is not None:
            keeper.close()

    def _tried(self, work: Callable[[Tables], T], durable: bool) -> T:
        try:
            tables = self.opened()
            if not tables.connection.in_transaction:
                tables.connection.execute("BEGIN IMMEDIATE")
            result = work(tables)
            if durable:
                tables.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.close()
            kind = _Rotten if is_rotten(error) else _DiskFull if is_full(error) else StoreError
            raise kind(f"{self._path}: {error}") from error
        except BaseException:
            self.close()
            raise
        return result

    def _open(self) -> Tables:
        try:
            return open_tables(self._path, self._room, self._sinks, self._now(), self.last_seq)
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}") from error
        except (KeyError, ValueError) as error:
            raise StoreError(f"{self._path} holds what this version does not know: {error}") from error

    def _set_aside(self, error: Exception) -> None:
        aside = set_aside(self._path)
        log.error("%s: the file is damaged and set aside as %s", error, aside.name)

    def _is_elsewhere(self, inode: int) -> bool:
        try:
            return self._path.stat().st_ino != inode
        except OSError:
            return True


class _DiskFull(StoreError):
    """There is no room: on the disk, or in what the file may have."""


class _Rotten(StoreError):
    """The file is damaged, or no database at all."""
