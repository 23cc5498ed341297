"""Roll-ups: the readings of one sensor in one minute, in a few numbers.

They take the place of readings that must leave before every sink has them, and are all that a metered link carries.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from agent.domain.reading import Flag, Rollup
from agent.store.checksum import checksum
from agent.store.cursors import Cursors
from agent.store.damage import Sieve
from agent.store.epochs import Epochs
from agent.store.marks import ROLLUPS_GIVEN, Marks
from agent.store.places import Places
from agent.store.ring_buffer import RingBuffer, Row
from agent.store.timeline import Timeline

MINUTE_US = 60_000_000
_AT_ONCE = 2_000

_WORSE = (Flag.MISSING, Flag.NOT_EVALUATED, Flag.GOOD, Flag.SUSPECT, Flag.FAIL)
"""From the best: a minute is missing only if all of it is."""


class Rollups:
    """Works inside its caller's transactions."""

    def __init__(
        self, connection: sqlite3.Connection, places: Places, timeline: Timeline, epochs: Epochs, cursors: Cursors,
        sieve: Sieve,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._places = places
        self._timeline = timeline
        self._epochs = epochs
        self._sieve = sieve
        last: int = connection.execute("SELECT coalesce(max(seq), 0) FROM rollups").fetchone()[0]
        self.last_seq = max(last, cursors.highest("rollups"), Marks(connection).get(ROLLUPS_GIVEN))

    def append(self, rows: Iterable[Row]) -> None:
        """Roll up rows that are whole."""
        rolled = [(self.last_seq + n, *values) for n, values in enumerate(rolled_up(rows, self._timeline), 1)]
        marks = ", ".join("?" * 14)
        self._connection.executemany(
            f"INSERT INTO rollups VALUES ({marks})", [(*row, checksum("rollups", row)) for row in rolled]
        )
        self.last_seq += len(rolled)

    def after(self, seq: int, limit: int) -> Sequence[Rollup]:
        """The oldest with a greater number."""
        ask = "SELECT * FROM rollups WHERE seq > ? ORDER BY seq LIMIT ?"
        rows = self._connection.execute(ask, (seq, limit)).fetchall()
        return [self.rollup(row) for row in self._sieve.whole("rollups", rows)]

    def rollup(self, row: Sequence[Any]) -> Rollup:
        """What a row means."""
        (seq, sensor, minute_us, trusted, first_seq, last_seq, readings, usable, least, mean, greatest, flag, quality,
         _) = row  # fmt: skip
        return Rollup(
            seq, self._places.sensor(sensor), minute_us, bool(trusted), first_seq, last_seq, readings, usable, least,
            mean, greatest, Flag(flag), quality, self._epochs.of(first_seq),
        )  # fmt: skip

    def held(self) -> int:
        """How many there are."""
        oldest = self._connection.execute("SELECT min(seq) FROM rollups").fetchone()[0]
        newest = self._connection.execute("SELECT max(seq) FROM rollups").fetchone()[0]
        return 0 if oldest is None else newest - oldest + 1

    def evict(self, count: int) -> list[tuple[int, int, int, int]]:
        """Delete so many of the oldest; number, first and last reading, and minute of each."""
        ask = "SELECT seq, first_seq, last_seq, minute_us FROM rollups ORDER BY seq LIMIT ?"
        gone = self._connection.execute(ask, (count,)).fetchall()
        if gone:
            self._connection.execute("DELETE FROM rollups WHERE seq <= ?", (gone[-1][0],))
        return gone


def whole_minutes(ring: RingBuffer, after: int, upto: int, end: int) -> list[Row]:
    """The rows after `after` up to `upto`, or a few thousand, and those of the last one's minute up to `end`."""
    rows = ring.rows(after, upto if upto > after else end, _AT_ONCE)
    while rows and (more := ring.rows(rows[-1][0], end, _AT_ONCE)):
        minute = ring.time_us(rows[-1]) // MINUTE_US
        same = list(takewhile(lambda row: ring.time_us(row) // MINUTE_US == minute, more))  # noqa: B023
        rows += same
        if len(same) < len(more):
            break
    return rows


def rolled_up(rows: Iterable[Row], timeline: Timeline) -> list[tuple[Any, ...]]:
    """The columns of `rollups` without seq and crc, for each sensor and minute in the order of first sight."""
    groups: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        minute_us = timeline.utc_us(row[2], row[3]) // MINUTE_US * MINUTE_US
        groups.setdefault((row[1], minute_us), []).append(row)
    return [(*key, *_statistics(group, timeline)) for key, group in groups.items()]


def _statistics(group: Sequence[Row], timeline: Timeline) -> tuple[Any, ...]:
    values = [row[4] for row in group if row[4] is not None and row[5] != Flag.FAIL]
    trusted = all(timeline.instant(row[2], row[3]).trusted for row in group)
    flag = max((Flag(row[5]) for row in group), key=_WORSE.index)
    statistics = (min(values), sum(values) / len(values), max(values)) if values else (None, None, None)
    quality = sum(row[6] for row in group) / len(group)
    return int(trusted), group[0][0], group[-1][0], len(group), len(values), *statistics, int(flag), quality
