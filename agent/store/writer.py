"""The one writer: every transaction of the gateway, in the thread that `Store` gives it.

What sinks settle is written at once but becomes durable with the next commit of readings: a power cut in between costs
a second delivery, not a flush of the card for every batch. Any failure closes the database and the next call opens it
anew, so that nothing cached outlives a rollback.
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar

from agent.domain.alarm import AlarmChange
from agent.domain.clock import Instant
from agent.domain.delivery import Taken
from agent.domain.errors import StoreError
from agent.domain.reading import CheckedReading, Gap
from agent.store.database import has_wal_reset_bug, is_full, is_rotten, keep_log, set_aside
from agent.store.dead_letters import Refused
from agent.store.learnt import Known, Learnt
from agent.store.memory import Remembered, remembered
from agent.store.room import Room
from agent.store.tables import FEED, Tables, open_tables

log = logging.getLogger(__name__)

T = TypeVar("T")

_SALVAGED_AT_ONCE = 10_000
"""More readings than the pages of one step hold."""


class Writer:
    """Owns the database at `path`, which with all that belongs to it stays below `most_bytes`. Sinks that are `metered`
    get roll-ups instead of readings. Every method raises StoreError, naming the file.
    """

    def __init__(
        self,
        path: Path,
        most_bytes: int,
        sinks: Sequence[str],
        now: Callable[[], Instant],
        metered: Collection[str] = (),
    ) -> None:
        self._path = path
        self._sinks = sinks
        self._metered = metered
        self._now = now
        self._room = Room(path, most_bytes)
        self._tables: Tables | None = None
        self._log_keeper: sqlite3.Connection | None = None
        self._promised: tuple[int, int] | None = None
        self._last_seq: int | None = None
        if has_wal_reset_bug():
            log.info("SQLite %s may damage %s if another process writes it: only read it", sqlite3.sqlite_version, path)

    @property
    def rows_at_once(self) -> int:
        """So many readings fit into one `write`."""
        return self._room.rows_at_once

    def write(self, readings: Sequence[CheckedReading], changes: Sequence[AlarmChange], lost: Sequence[Gap]) -> None:
        """Make durable: readings, alarm changes, gaps for what was lost in memory, and what was settled before.

        After a failure it must be called with the same again: should the disk have it all the same, nothing is doubled.
        """
        if self._is_there_already():
            return
        text_bytes = sum(len(checked.because or "") for checked in readings)
        # Of one transaction with what follows: each costs a flush of the card.
        self._within(lambda tables: tables.eviction.make_room(len(readings), text_bytes), durable=False)
        self._within(lambda tables: self._append(tables, readings, changes, lost))
        self._promised = None
        self._room.take_ballast()
        self._last_seq = self._opened().ring.last_seq

    def _append(
        self, tables: Tables, readings: Sequence[CheckedReading], changes: Sequence[AlarmChange], lost: Sequence[Gap]
    ) -> None:
        tables.alarms.append(changes)
        for gap in lost:
            tables.gaps.add(gap)
        tables.ring.append(readings)
        if self._metered:
            tables.eviction.roll_up_complete_minutes()
        self._promised = (tables.ring.last_seq, tables.alarms.last_seq())

    def _is_there_already(self) -> bool:
        """Whether the commit that seemed to fail last time did reach the disk."""
        if self._promised is None:
            return False
        self.close()
        there = self._within(lambda tables: (tables.ring.last_seq, tables.alarms.last_seq()))
        promised, self._promised = self._promised, None
        return there == promised

    def take(self, sink: str, lane: str, limit: int, beyond: int, patient: bool) -> Taken:
        """See `Backlog.take`. What is handed out keeps its number and its time for good."""
        return self._look(lambda tables: tables.taken(sink, lane, limit, beyond, patient, self._now()))

    def settle(self, sink: str, lane: str, after: int, upto: int, rejected: Sequence[Refused]) -> None:
        """See `Backlog.settle`; durable with the next `write` or `flush`."""
        self._within(lambda tables: tables.settle(sink, lane, after, upto, rejected), durable=False)

    def replay(self, sink: str, numbers: Sequence[int] | None) -> int:
        """Offer the dead letters of `sink` with these numbers again (None: all); returns how many there are. Durable
        at once.
        """
        return self._within(lambda tables: tables.letters.offer_again(sink, numbers))

    def flush(self) -> None:
        """Make durable what was settled."""
        if self._tables is not None and self._tables.connection.in_transaction:
            self._within(lambda tables: None)

    @property
    def is_salvaging(self) -> bool:
        """Whether rows of a damaged file are still to come back; False while nothing is open."""
        return self._tables is not None and self._tables.recovery.awaited > 0

    def salvage(self) -> bool:
        """Bring back a few more rows of a damaged file; False when there are no more to come."""

        def step(tables: Tables) -> bool:
            tables.eviction.make_room(_SALVAGED_AT_ONCE, 0)
            return tables.recovery.step()

        if not self._within(lambda tables: tables.recovery.awaited):
            return False
        more = self._within(step)
        tables = self._opened()
        tables.recovery.give_up_chunk()
        self._room.limit(tables.connection)
        return more

    def standing_alarms(self) -> Sequence[AlarmChange]:
        """The last change of every alarm there ever was."""
        return self._look(lambda tables: tables.alarms.newest_of_each())

    def unsent_alarms(self, limit: int) -> Sequence[AlarmChange]:
        """The changes that the alarm feed has not published yet."""
        return self._look(lambda tables: tables.alarms.after(tables.cursors.seq(FEED, "alerts"), limit))

    def alarms_after(self, seq: int, limit: int) -> Sequence[AlarmChange]:
        """The oldest changes with a greater sequence number."""
        return self._look(lambda tables: tables.alarms.after(seq, limit))

    def feed_has(self, seq: int) -> None:
        """The alarm feed has published every change up to that one."""
        self._within(lambda tables: tables.cursors.skip(FEED, "alerts", seq))

    def believable_us(self) -> int | None:
        """The newest time stored (UTC microseconds) that can be believed; None if there is none."""
        return self._look(lambda tables: tables.timeline.believable_us)

    def keep_learnt(self, learnt: Sequence[Learnt], offset_ms: int, at: Instant) -> None:
        """Make durable what the checks have learnt from all that was written; see `LearntTable.keep`."""
        states = [(one, json.dumps(one.state, separators=(",", ":"))) for one in learnt]
        text_bytes = sum(len(one.basis) + len(state) for one, state in states)
        if text_bytes > self._room.log_bytes // 2:
            log.warning("What the checks have learnt (%d bytes) is too much for so small a ring buffer", text_bytes)
            return

        def work(tables: Tables) -> None:
            tables.eviction.make_room(len(learnt), text_bytes)
            tables.learnt.keep(states, offset_ms, at)

        self._within(work)

    def recall(
        self,
        now: Instant,
        memory_s: float,
        remember: Callable[[Remembered], None],
        restore: Callable[[Known], float] | None = None,
    ) -> None:
        """Hand over what the checks should know of the past, one by one: a day of readings is no list to keep.

        `restore` gets what they had learnt before, if that is there, and says how many seconds of readings are needed
        all the same, beside those stored since.
        """

        def work(tables: Tables) -> None:
            known = tables.learnt.known(now, memory_s) if restore else None
            needed_s, after = (restore(known), known.upto) if restore and known else (memory_s, tables.ring.last_seq)
            for past in remembered(tables.connection, tables.ring, tables.timeline, now, needed_s, after):
                remember(past)

        self._look(work)

    def _look(self, work: Callable[[Tables], T]) -> T:
        """Read; should something have to be written first (a damaged row, a time that is now final), that is durable
        before anything is handed out.
        """
        changes_before = self._tables.connection.total_changes if self._tables else 0
        pending = self._tables is not None and self._tables.connection.in_transaction
        result = self._within(work, durable=False)
        tables = self._tables
        if tables is not None and (not pending or tables.connection.total_changes != changes_before):
            self._within(lambda _: None)
        return result

    def _within(self, work: Callable[[Tables], T], durable: bool = True) -> T:
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

    def _tried(self, work: Callable[[Tables], T], durable: bool) -> T:
        try:
            tables = self._opened()
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

    def _opened(self) -> Tables:
        if self._tables is None:
            self._tables = self._open()
            self._log_keeper = self._log_keeper or keep_log(self._path)
            self._last_seq = self._tables.ring.last_seq
        elif self._is_elsewhere(self._tables.inode):
            # SQLite would go on writing into a file that nobody can find any more.
            self.close()
            raise StoreError(f"{self._path} was removed or replaced while in use; what it held is gone with it")
        return self._tables

    def _open(self) -> Tables:
        try:
            return open_tables(self._path, self._room, self._sinks, self._now(), self._last_seq)
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

    def close(self) -> None:
        """Close the database; an unfinished transaction is rolled back. The write-ahead log stays where it is."""
        tables, self._tables = self._tables, None
        if tables is not None:
            tables.connection.close()
        keeper, self._log_keeper = self._log_keeper, None
        if keeper is not None:
            keeper.close()


class _DiskFull(StoreError):
    """There is no room: on the disk, or in what the file may have."""


class _Rotten(StoreError):
    """The file is damaged, or no database at all."""
