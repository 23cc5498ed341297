"""The ring buffer's readings: appended with growing numbers, handed out by number, and never believed without checksum.

How the oldest make room is in `eviction`.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from agent.domain.clock import Instant
from agent.domain.reading import CheckedReading, Flag, Reading, StoredReading
from agent.store.checksum import checksum
from agent.store.damage import Sieve
from agent.store.database import storable
from agent.store.epochs import Epochs
from agent.store.places import Places
from agent.store.timeline import Timeline

_FLAGS = {int(flag): flag for flag in Flag}

_digits = lru_cache(maxsize=1024)(str)
"""Most readings are flagged alike."""

_made = tuple.__new__
"""A named tuple of all its fields in order: its own constructor, which gives them names, takes twice as long."""

Row = tuple[int, int, int, int, float | None, int, float, int | None, str | None, int]


class RingBuffer:
    """Works inside its caller's transactions. `last_seq` is the highest number ever given; `count_damaged` is told of a
    row that was lost: its number, and the times it lies between.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        places: Places,
        timeline: Timeline,
        epochs: Epochs,
        sieve: Sieve,
        count_damaged: Callable[[int, int, int], None],
        last_seq: int,
    ) -> None:
        self._connection = connection
        self._places = places
        self._timeline = timeline
        self._epochs = epochs
        self._sieve = sieve
        self._count_damaged = count_damaged
        self.last_seq = last_seq

    def append(self, batch: Iterable[CheckedReading]) -> None:
        row_of, segment_of = self._places.row_of, self._timeline.segment_of
        seq, rows = self.last_seq, []
        for checked in batch:
            reading, because = checked.reading, checked.because
            at, value = reading.at, reading.value
            seq += 1
            row = (
                seq, row_of(reading.sensor), segment_of(at), at.boot_ms,
                value if value is None else value + 0.0, int(checked.flag), float(checked.quality),
                int(checked.tests) if checked.tests else None, because if because is None else storable(because),
            )  # fmt: skip
            rows.append((*row, checksum("readings", row)))
        self._connection.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self.last_seq = seq

    def rows(self, after: int, upto: int, limit: int) -> list[Row]:
        """The oldest rows with a number above `after` and not above `upto`, as they are in the file; a damaged one is
        taken out and counted, between the times of its neighbours.
        """
        ask = "SELECT * FROM readings WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        rows: list[Row] = self._connection.execute(ask, (after, upto, limit)).fetchall()
        whole = self._sieve.whole("readings", rows)
        if len(whole) == len(rows):
            return whole
        times = [self.time_us(row) for row in whole] or [0]
        for seq in sorted({row[0] for row in rows} - {row[0] for row in whole}):
            self._count_damaged(seq, min(times), max(times))
        return self.rows(after, upto, limit)

    def stored(self, rows: Iterable[Sequence[Any]]) -> list[StoredReading]:
        """What rows mean; their checksums were looked at before."""
        sensor_of, epoch_of, stored = self._places.sensor, self._epochs.of, []
        moment, at = None, None
        for seq, sensor, segment, boot_ms, value, flag, quality, tests, because, _ in rows:
            if at is None or moment != (segment, boot_ms):  # the sensors of one probe are read at one moment
                moment, at = (segment, boot_ms), self._timeline.instant(segment, boot_ms)
            reading = _made(Reading, (sensor_of(sensor), at, value, because if value is None else None, False))
            tested = "" if tests is None else _digits(tests)
            checked = _made(CheckedReading, (reading, _FLAGS[flag], quality, tested, because))
            stored.append(_made(StoredReading, (seq, checked, epoch_of(seq))))
        return stored

    def time_us(self, row: Row) -> int:
        """When a row was measured, UTC microseconds."""
        return self._timeline.utc_us(row[2], row[3])

    def oldest_seq(self) -> int | None:
        # Asked for by itself: the least and the greatest of a key in one SELECT would scan the table.
        seq: int | None = self._connection.execute("SELECT min(seq) FROM readings").fetchone()[0]
        return seq

    def newest_seq(self) -> int | None:
        seq: int | None = self._connection.execute("SELECT max(seq) FROM readings").fetchone()[0]
        return seq

    def first(self, wanted: Callable[[Instant], bool]) -> int:
        """The first number measured at a moment that is wanted, as all after it are: by bisection, since no index is on
        time. One above the last if there is none.
        """
        low, high = self.oldest_seq() or 0, self.last_seq + 1
        while low < high:
            middle = (low + high) // 2
            rows = self.rows(middle - 1, self.last_seq, 1)
            if not rows or wanted(self.moment(rows[0])):
                high = middle
            else:
                low = middle + 1
        return low

    def moment(self, row: Row) -> Instant:
        """When a row was measured."""
        return self._timeline.instant(row[2], row[3])
