"""The ring buffer's readings: appended with growing numbers, handed out by number, and never believed without checksum.

How the oldest make room is in `eviction`.
"""

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from agent.domain.reading import CheckedReading, Flag, Reading, StoredReading
from agent.store.checksum import checksum
from agent.store.database import storable
from agent.store.epochs import Epochs
from agent.store.places import Places
from agent.store.timeline import Timeline

log = logging.getLogger(__name__)

Row = tuple[int, int, int, int, float | None, int, float, int | None, str | None, int]


class RingBuffer:
    """Works inside its caller's transactions. `last_seq` is the highest number ever given."""

    def __init__(
        self, connection: sqlite3.Connection, places: Places, timeline: Timeline, epochs: Epochs, last_seq: int
    ) -> None:
        self._connection = connection
        self._places = places
        self._timeline = timeline
        self._epochs = epochs
        self.last_seq = last_seq

    def append(self, batch: Iterable[CheckedReading]) -> None:
        row_of, segment_of = self._places.row_of, self._timeline.segment_of
        seq, rows = self.last_seq, []
        for checked in batch:
            reading, because = checked.reading, checked.because
            at, value = reading.at, reading.value
            seq += 1
            row = (
                seq, row_of(reading.sensor), segment_of(at), round(at.boot_s * 1000),
                value if value is None else float(value), int(checked.flag), float(checked.quality),
                int(checked.tests) if checked.tests else None, because if because is None else storable(because),
            )  # fmt: skip
            rows.append((*row, checksum("readings", row)))
        self._connection.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self.last_seq = seq

    def rows(self, after: int, upto: int, limit: int) -> list[Row]:
        """The oldest rows with a number above `after` and not above `upto`, as they are in the file."""
        ask = "SELECT * FROM readings WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        return self._connection.execute(ask, (after, upto, limit)).fetchall()

    def stored(self, row: Sequence[Any]) -> StoredReading:
        """What a row means; its checksum was looked at before."""
        seq, sensor, segment, boot_ms, value, flag, quality, tests, because, _ = row
        at = self._timeline.instant(segment, boot_ms)
        reading = Reading(self._places.sensor(sensor), at, value, because if value is None else None)
        text = "" if tests is None else str(tests)
        return StoredReading(seq, CheckedReading(reading, Flag(flag), quality, text, because), self._epochs.of(seq))

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

    def first_younger_than(self, boot_id: str, boot_ms: int) -> int:
        """The first number measured in that boot at or after that boot time, by bisection (no index is on time);
        one above the last if there is none.
        """
        low, high = self.oldest_seq() or 0, self.last_seq + 1
        ask = "SELECT segment, boot_ms FROM readings WHERE seq >= ? ORDER BY seq LIMIT 1"
        while low < high:
            middle = (low + high) // 2
            found = self._connection.execute(ask, (middle,)).fetchone()
            if found is None or (self._is_since(found, boot_id, boot_ms)):
                high = middle
            else:
                low = middle + 1
        return low

    def _is_since(self, found: tuple[int, int], boot_id: str, boot_ms: int) -> bool:
        return found[1] >= boot_ms and self._timeline.instant(*found).boot_id == boot_id
