"""The alarm log: every change of every alarm, in the order it was seen, and where each alarm stands."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from agent.domain.alarm import Alarm, AlarmChange, AlarmKind, Priority
from agent.domain.clock import Instant
from agent.domain.reading import Flag
from agent.store.database import storable
from agent.store.places import Places


class AlarmLog:
    """Works inside its caller's transactions."""

    def __init__(self, connection: sqlite3.Connection, places: Places) -> None:
        self._connection = connection
        self._places = places

    def append(self, changes: Iterable[AlarmChange]) -> None:
        """Changes keep their sequence number, unless the log, unreadable when they were numbered, is ahead of it:
        then the next free one, or no sink would ever get them.
        """
        places, free = self._places, self.last_seq() + 1
        rows = [
            (
                max(change.seq, free + n), places.row_of(change.alarm.sensor), change.alarm.kind.value,
                change.alarm.priority.value, change.alarm.limit, change.alarm.deadband, change.alarm.on_delay_s,
                change.alarm.off_delay_s, change.active, change.occurrence, change.at.utc_us,
                places.boot_of(change.at.boot_id), int(change.at.boot_s * 1000), change.at.trusted, change.value,
                change.flag, storable(change.message),
            )
            for n, change in enumerate(changes)
        ]  # fmt: skip
        self._connection.executemany(f"INSERT INTO alarm_log VALUES ({', '.join('?' * 17)})", rows)

    def after(self, seq: int, limit: int) -> Sequence[AlarmChange]:
        """The oldest changes with a greater sequence number."""
        rows = self._connection.execute("SELECT * FROM alarm_log WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        return [self._change(row) for row in rows.fetchall()]

    def newest_of_each(self) -> Sequence[AlarmChange]:
        """The last change of every alarm there ever was: where it stands."""
        newest = "SELECT max(seq) FROM alarm_log GROUP BY sensor, kind"
        rows = self._connection.execute(f"SELECT * FROM alarm_log WHERE seq IN ({newest}) ORDER BY seq")
        return [self._change(row) for row in rows.fetchall()]

    def last_seq(self) -> int:
        """0 when nothing was ever logged."""
        seq: int | None = self._connection.execute("SELECT max(seq) FROM alarm_log").fetchone()[0]
        return seq or 0

    def _change(self, row: tuple[Any, ...]) -> AlarmChange:
        (seq, sensor, kind, priority, limit, deadband, on_delay_s, off_delay_s, active, occurrence, utc_us, boot,
         boot_ms, trusted, value, flag, message) = row  # fmt: skip
        alarm = Alarm(
            self._places.sensor(sensor), AlarmKind(kind), Priority(priority), limit, deadband, on_delay_s, off_delay_s
        )
        at = Instant(utc_us, boot_ms / 1000, self._places.boot_id(boot), bool(trusted))
        return AlarmChange(seq, alarm, bool(active), occurrence, at, value, Flag(flag), message)
