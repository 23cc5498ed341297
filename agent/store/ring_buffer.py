"""The ring buffer: the newest readings that fit, oldest out first.

When the file is full the oldest rows go, sent or not; what a sink had not had yet is counted in a gap record, and that
record is delivered like any other. Sequence numbers are given here and never used twice.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from agent.domain.clock import Instant
from agent.domain.reading import CheckedReading, Flag, Gap, Reading, StoredReading
from agent.store.database import storable
from agent.store.places import Places

_EVICT_AT_ONCE = 2_000

Row = tuple[int, int, int, int, int, int, float | None, int, float, str, str | None]


class RingBuffer:
    """Works inside its caller's transactions; `most_bytes` bounds the pages in use."""

    def __init__(self, connection: sqlite3.Connection, places: Places, most_bytes: int) -> None:
        self._connection = connection
        self._places = places
        self._page_size: int = connection.execute("PRAGMA page_size").fetchone()[0]
        self._most_pages = max(most_bytes // self._page_size, 64)
        self.last_seq = self._high_water_mark()

    def _high_water_mark(self) -> int:
        """The highest sequence number ever given: rows may be gone, but cursors and gaps remember."""
        ask = self._connection.execute
        seen = (
            ask("SELECT max(seq) FROM readings").fetchone()[0],
            ask("SELECT max(seq) FROM cursors WHERE stream = 'readings'").fetchone()[0],
            ask("SELECT max(last_seq) FROM gaps").fetchone()[0],
        )
        return max(seq or 0 for seq in seen)

    def append(self, batch: Iterable[CheckedReading]) -> None:
        places, seq, rows = self._places, self.last_seq, []
        for checked in batch:
            reading, because = checked.reading, checked.because
            at = reading.at
            seq += 1
            rows.append((
                seq, places.row_of(reading.sensor), at.utc_us, places.boot_of(at.boot_id), int(at.boot_s * 1000),
                at.trusted, reading.value, checked.flag, checked.quality, checked.tests,
                because if because is None else storable(because),
            ))  # fmt: skip
        self._connection.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self.last_seq = seq

    def after(self, seq: int, limit: int) -> Sequence[StoredReading]:
        """The oldest stored readings with a greater sequence number."""
        rows = self._connection.execute("SELECT * FROM readings WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        return [self._stored(row) for row in rows.fetchall()]

    def _stored(self, row: Row) -> StoredReading:
        seq, sensor, utc_us, boot, boot_ms, trusted, value, flag, quality, tests, because = row
        at = Instant(utc_us, boot_ms / 1000, self._places.boot_id(boot), bool(trusted))
        reading = Reading(self._places.sensor(sensor), at, value, because if value is None else None)
        return StoredReading(seq, CheckedReading(reading, Flag(flag), quality, tests, because))

    def make_room(self) -> int:
        """Evict the oldest readings while the file is over its size; returns how many went.

        The very newest stays, since it holds the last sequence number.
        """
        evicted = 0
        while self._pages_in_use() > self._most_pages:
            batch = self._evict_batch()
            if not batch:
                break
            evicted += batch
        return evicted

    def _pages_in_use(self) -> int:
        ask = self._connection.execute
        pages: int = ask("PRAGMA page_count").fetchone()[0]
        free: int = ask("PRAGMA freelist_count").fetchone()[0]
        return pages - free

    def _evict_batch(self) -> int:
        # Both in one SELECT would scan the table; each by itself is a look at one end of it.
        ends = "SELECT (SELECT min(seq) FROM readings), (SELECT max(seq) FROM readings)"
        oldest, newest = self._connection.execute(ends).fetchone()
        if oldest == newest:
            return 0
        last = min(oldest + _EVICT_AT_ONCE, newest) - 1
        # A sink that is not configured at present may come back, and is owed a gap as well.
        for (sink,) in self._connection.execute("SELECT sink FROM cursors WHERE stream = 'readings'").fetchall():
            self._note_gap(sink, last)
        return self._connection.execute("DELETE FROM readings WHERE seq <= ?", (last,)).rowcount

    def _note_gap(self, sink: str, last: int) -> None:
        """Count what `sink` loses by the eviction of everything up to `last`, and move its cursor past it."""
        ask = self._connection.execute
        cursor = ask("SELECT seq FROM cursors WHERE sink = ? AND stream = 'readings'", (sink,)).fetchone()[0]
        count, first, final, from_us, to_us = ask(
            "SELECT count(*), min(seq), max(seq), min(utc_us), max(utc_us) FROM readings WHERE seq > ? AND seq <= ?",
            (cursor, last),
        ).fetchone()
        if count:
            self.add_gap(Gap(0, sink, first, final, from_us, to_us, count, "the ring buffer was full"))
            ask("UPDATE cursors SET seq = ? WHERE sink = ? AND stream = 'readings'", (last, sink))

    def add_gap(self, gap: Gap) -> None:
        self._connection.execute(
            "INSERT INTO gaps (sink, first_seq, last_seq, from_us, to_us, count, because) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (gap.sink, gap.first_seq, gap.last_seq, gap.from_us, gap.to_us, gap.count, gap.because),
        )

    def gaps_after(self, sink: str, seq: int, limit: int) -> Sequence[Gap]:
        columns = "seq, sink, first_seq, last_seq, from_us, to_us, count, because"
        ask = f"SELECT {columns} FROM gaps WHERE sink = ? AND seq > ? ORDER BY seq LIMIT ?"
        return [Gap(*row) for row in self._connection.execute(ask, (sink, seq, limit)).fetchall()]
