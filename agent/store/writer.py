"""The one writer: every transaction of the gateway, in the thread that `Store` gives it.

Any failure closes the database and the next call opens it anew, so that nothing cached outlives a rollback.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent.domain.alarm import AlarmChange
from agent.domain.clock import Instant
from agent.domain.errors import StoreError
from agent.domain.reading import CheckedReading, Gap, StoredReading
from agent.store.alarm_log import AlarmLog
from agent.store.cursors import Cursors, Refused
from agent.store.database import is_rotten, open_database, set_aside
from agent.store.memory import Remembered, remembered
from agent.store.places import Places
from agent.store.ring_buffer import RingBuffer

log = logging.getLogger(__name__)

T = TypeVar("T")

FEED = "mqtt"
"""The alarm feed's name among the cursors: it follows the alerts alone."""


@dataclass(frozen=True, slots=True)
class _Tables:
    connection: sqlite3.Connection
    inode: int
    ring: RingBuffer
    alarms: AlarmLog
    cursors: Cursors


class Writer:
    """Owns the database at `path`, kept below `most_bytes`. Every method raises StoreError, naming the file."""

    def __init__(self, path: Path, most_bytes: int, sinks: Sequence[str]) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._sinks = sinks
        self._tables: _Tables | None = None

    def write(self, readings: Sequence[CheckedReading], changes: Sequence[AlarmChange], lost: Sequence[Gap]) -> None:
        """One transaction: readings, alarm changes, and gaps for what was lost in memory; then room is made."""

        def work(tables: _Tables) -> None:
            tables.ring.append(readings)
            tables.alarms.append(changes)
            for gap in lost:
                tables.ring.add_gap(gap)
            tables.ring.make_room()

        self._within(work)

    def take(
        self, sink: str, stream: str, limit: int
    ) -> Sequence[StoredReading] | Sequence[AlarmChange] | Sequence[Gap]:
        """The oldest unsettled entries of that stream."""

        def work(tables: _Tables) -> Sequence[StoredReading] | Sequence[AlarmChange] | Sequence[Gap]:
            seq = tables.cursors.seq(sink, stream)
            if stream == "readings":
                return tables.ring.after(seq, limit)
            if stream == "alerts":
                return tables.alarms.after(seq, limit)
            return tables.ring.gaps_after(sink, seq, limit)

        return self._within(work)

    def settle(self, sink: str, stream: str, upto: int, rejected: Sequence[Refused]) -> None:
        self._within(lambda tables: tables.cursors.settle(sink, stream, upto, rejected))

    def standing_alarms(self) -> Sequence[AlarmChange]:
        """The last change of every alarm there ever was."""
        return self._within(lambda tables: tables.alarms.newest_of_each())

    def recall(self, now: Instant, usable_quality: float, remember: Callable[[Remembered], None]) -> None:
        """Hand over what the checks should know of the past, one by one: an hour of readings is no list to keep."""

        def work(tables: _Tables) -> None:
            for past in remembered(tables.connection, now, usable_quality):
                remember(past)

        self._within(work)

    def _within(self, work: Callable[[_Tables], T]) -> T:
        try:
            tables = self._opened()
            tables.connection.execute("BEGIN IMMEDIATE")
            result = work(tables)
            tables.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.close()
            if is_rotten(error):
                aside = set_aside(self._path)
                log.error("%s is damaged (%s): set aside as %s", self._path, error, aside.name)
            raise StoreError(f"{self._path}: {error}") from error
        except BaseException:
            self.close()
            raise
        return result

    def _opened(self) -> _Tables:
        if self._tables is None:
            connection = open_database(self._path)
            try:
                places = Places(connection)
                ring = RingBuffer(connection, places, self._most_bytes)
                cursors = Cursors(connection)
                cursors.ensure(self._sinks, FEED)
                inode = self._path.stat().st_ino
            except (KeyError, ValueError) as error:
                connection.close()
                raise StoreError(f"{self._path} holds what this version does not know: {error}") from error
            except BaseException:
                connection.close()
                raise
            self._tables = _Tables(connection, inode, ring, AlarmLog(connection, places), cursors)
        elif self._is_elsewhere(self._tables.inode):
            # SQLite would go on writing into a file that nobody can find any more.
            self.close()
            raise StoreError(f"{self._path} was removed or replaced while in use; what it held is gone with it")
        return self._tables

    def _is_elsewhere(self, inode: int) -> bool:
        try:
            return self._path.stat().st_ino != inode
        except OSError:
            return True

    def close(self) -> None:
        """Close the database; an unfinished transaction is rolled back."""
        if self._tables is not None:
            self._tables.connection.close()
            self._tables = None
