"""The alarm log: every change of every alarm, in the order it was seen, and where each alarm stands."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from agent.domain.alarm import Alarm, AlarmChange, AlarmKind, AlarmState, Event, Priority, Standing
from agent.domain.reading import Flag
from agent.store.checksum import checksum
from agent.store.damage import Sieve
from agent.store.database import storable
from agent.store.places import Places
from agent.store.timeline import Timeline

_KEPT = 100_000
_NEWEST = "SELECT max(seq) FROM alarm_log GROUP BY sensor, kind"


class AlarmLog:
    """Works inside its caller's transactions."""

    def __init__(self, connection: sqlite3.Connection, places: Places, timeline: Timeline, sieve: Sieve) -> None:
        self._connection = connection
        self._places = places
        self._timeline = timeline
        self._sieve = sieve

    def append(self, changes: Iterable[AlarmChange]) -> None:
        """Changes keep their sequence number, unless the log, unreadable when they were numbered, is ahead of it:
        then the next free one, or no sink would ever get them.
        """
        free = self.last_seq() + 1
        for n, change in enumerate(changes):
            alarm, at, standing = change.alarm, change.at, change.standing
            self._write((
                max(change.seq, free + n), self._places.row_of(alarm.source), alarm.kind.value, alarm.priority.value,
                None if alarm.limit is None else alarm.limit + 0.0, float(alarm.deadband), float(alarm.on_delay_s),
                float(alarm.off_delay_s), int(standing.active), standing.occurrence, standing.raised,
                self._timeline.segment_of(at), at.boot_ms, None if change.value is None else change.value + 0.0,
                int(change.flag), storable(change.message), change.event.value, standing.state.value,
                int(standing.latched), None if standing.until_s is None else round(standing.until_s * 1000),
                None if change.by is None else storable(change.by),
                None if change.reason is None else storable(change.reason),
            ))  # fmt: skip

    def _write(self, row: tuple[Any, ...]) -> None:
        marks = ", ".join("?" * (len(row) + 1))
        self._connection.execute(f"REPLACE INTO alarm_log VALUES ({marks})", (*row, checksum("alarm_log", row)))

    def after(self, seq: int, limit: int) -> Sequence[AlarmChange]:
        """The oldest changes with a greater sequence number, as they stand."""
        return [self.change(row) for row in self._rows(seq, limit)]

    def taken(self, seq: int, limit: int) -> Sequence[AlarmChange]:
        """As `after`, with times that never change again: an alarm does not wait for the clock to be set."""
        frozen = []
        for row in self._rows(seq, limit):
            final = row
            if self._timeline.is_open(row[11]):
                final = (*row[:11], self._timeline.bounded_twin(row[11]), *row[12:])
                self._write(final[:-1])
            frozen.append(self.change(final))
        return frozen

    def _rows(self, seq: int, limit: int) -> list[tuple[Any, ...]]:
        ask = "SELECT * FROM alarm_log WHERE seq > ? ORDER BY seq LIMIT ?"
        rows = self._connection.execute(ask, (seq, limit)).fetchall()
        return self._sieve.whole("alerts", rows)

    def count_after(self, seq: int) -> int:
        """How many changes have a greater sequence number."""
        held: int = self._connection.execute("SELECT count(*) FROM alarm_log WHERE seq > ?", (seq,)).fetchone()[0]
        return held

    def newest_of_each(self) -> Sequence[AlarmChange]:
        """The last change of every alarm there ever was: where it stands."""
        rows = self._connection.execute(f"SELECT * FROM alarm_log WHERE seq IN ({_NEWEST}) ORDER BY seq").fetchall()
        return [self.change(row) for row in self._sieve.whole("alerts", rows)]

    def last_seq(self) -> int:
        """0 when nothing was ever logged."""
        seq: int | None = self._connection.execute("SELECT max(seq) FROM alarm_log").fetchone()[0]
        return seq or 0

    def evict(self, count: int, upto: int) -> int:
        """Delete at most so many of the oldest up to that number; never the last of an alarm, which says where it
        stands. Returns how many went.
        """
        old = f"SELECT seq FROM alarm_log WHERE seq <= ? AND seq NOT IN ({_NEWEST}) ORDER BY seq LIMIT ?"
        return self._connection.execute(f"DELETE FROM alarm_log WHERE seq IN ({old})", (upto, count)).rowcount

    def forget_the_oldest(self, delivered: int) -> None:
        """Keep the log from growing for ever: a hundred thousand changes, and what somebody has not had yet."""
        held: int = self._connection.execute("SELECT count(*) FROM alarm_log").fetchone()[0]
        if held > _KEPT:
            self.evict(held - _KEPT, delivered)

    def change(self, row: Sequence[Any]) -> AlarmChange:
        """What a row means."""
        (seq, source, kind, priority, limit, deadband, on_delay_s, off_delay_s, active, occurrence, raised, segment,
         boot_ms, value, flag, message, event, state, latched, until_ms, by, reason, _) = row  # fmt: skip
        alarm = Alarm(
            self._places.source(source), AlarmKind(kind), Priority(priority), limit, deadband, on_delay_s, off_delay_s
        )
        at = self._timeline.instant(segment, boot_ms)
        until_s = None if until_ms is None else until_ms / 1000
        standing = Standing(AlarmState(state), bool(active), occurrence, raised, bool(latched), at.boot_s, until_s)
        return AlarmChange(seq, alarm, Event(event), standing, at, value, Flag(flag), message, by, reason)
