"""What leaves when the ring buffer is full, in this order:

1. readings that every sink has;
2. the oldest other readings, leaving their roll-ups and a gap record for each sink that lacked them;
3. the oldest roll-ups, when there are no more readings or roll-ups take a quarter of the room;
4. dead letters;
5. changes of alarms, those that every sink and MQTT have first; where each alarm stands is never forgotten.
"""

import sqlite3
from dataclasses import dataclass
from itertools import takewhile

from agent.domain.reading import Gap
from agent.store.alarm_log import AlarmLog
from agent.store.cursors import Cursors
from agent.store.dead_letters import DeadLetters
from agent.store.gaps import Gaps
from agent.store.marks import EVICTED, ROLLED_UP, Marks
from agent.store.ring_buffer import RingBuffer, Row
from agent.store.rollups import MINUTE_US, Rollups, whole_minutes
from agent.store.room import Room
from agent.store.timeline import Timeline

AT_ONCE = 2_000
_WORTH_IT = 3  # roll-ups are made where they are at least so many times fewer than the readings
_ROLLUP_BYTES = 96

FULL = "the ring buffer was full"
ROLLUPS_FULL = "the ring buffer was full: the roll-ups of these readings, counted in a gap before, went too"


@dataclass(frozen=True, slots=True)
class Eviction:
    """Works inside its caller's transactions."""

    connection: sqlite3.Connection
    room: Room
    ring: RingBuffer
    rollups: Rollups
    alarms: AlarmLog
    gaps: Gaps
    letters: DeadLetters
    cursors: Cursors
    timeline: Timeline
    marks: Marks

    def make_room(self, rows: int, text_bytes: int) -> None:
        """Let the oldest go until so many rows with so much text fit in, or nothing more may go."""
        while self.room.missing_bytes(self.connection, rows, text_bytes) > 0 and self.evict():
            pass

    def evict(self) -> bool:
        """One step down the ladder; False when nothing more may go."""
        oldest, newest = self.ring.oldest_seq(), self.ring.newest_seq()
        may_go = oldest is not None and newest is not None and oldest < newest
        if may_go and not self._too_many_rollups():
            self._evict_readings(oldest or 0, newest or 0)
            return True
        if self._evict_rollups() or self.letters.evict(AT_ONCE) or self._evict_alarms():
            return True
        if may_go:
            self._evict_readings(oldest or 0, newest or 0)
        return may_go

    def _evict_readings(self, oldest: int, newest: int) -> None:
        """The very newest stays: it holds the last number."""
        last = min(oldest + AT_ONCE, newest) - 1
        delivered = self.cursors.lowest("readings")
        if delivered is None or delivered >= oldest:
            self._delete_upto(last if delivered is None else min(last, delivered))
            return
        self.timeline.freeze_open()
        rows = whole_minutes(self.ring, oldest - 1, last, newest - 1)
        if not rows:
            return  # all of them were damaged, and are gone
        self._roll_up(rows, saving=True)
        for sink in self.cursors.sinks():
            self._note_gap(sink, rows)
        self._delete_upto(rows[-1][0])

    def roll_up_complete_minutes(self) -> None:
        """Roll up what is over, for sinks that get nothing else. Readings whose time is not known yet must wait."""
        rows = whole_minutes(self.ring, self.marks.get(ROLLED_UP), 0, self.ring.last_seq)
        if rows:
            now = self.ring.time_us(rows[-1]) // MINUTE_US
            over = takewhile(lambda row: self.ring.time_us(row) // MINUTE_US < now, rows)
            self._roll_up(list(takewhile(lambda row: not self.timeline.is_open(row[2]), over)), saving=False)

    def _roll_up(self, rows: list[Row], saving: bool) -> None:
        """Roll up those of these rows that are not yet; if it is for `saving` room, only where it saves some."""
        rolled = self.marks.get(ROLLED_UP)
        new = [row for row in rows if row[0] > rolled]
        minutes = {(row[1], self.ring.time_us(row) // MINUTE_US) for row in new}
        if new and (not saving or len(minutes) * _WORTH_IT <= len(new)):
            self._append_rollups(new)
            self.marks.put(ROLLED_UP, rows[-1][0])

    def _append_rollups(self, rows: list[Row]) -> None:
        before = self.rollups.last_seq
        self.rollups.append(rows)
        for sink in self.cursors.sinks():
            has_the_readings = self.cursors.seq(sink, "readings") >= rows[-1][0]
            if has_the_readings and self.cursors.seq(sink, "rollups") == before:
                self.cursors.skip(sink, "rollups", self.rollups.last_seq)

    def _note_gap(self, sink: str, rows: list[Row]) -> None:
        """Count what `sink` loses with these rows, and move its cursor past them."""
        lost = [row for row in rows if self.cursors.lacks(sink, row[0])]
        if lost:
            times = [self.ring.time_us(row) for row in lost]
            self.gaps.add(Gap(0, sink, lost[0][0], lost[-1][0], min(times), max(times), len(lost), FULL))
        if self.cursors.seq(sink, "readings") < rows[-1][0]:
            self.cursors.skip(sink, "readings", rows[-1][0])

    def _delete_upto(self, last: int) -> None:
        self.marks.put(EVICTED, last)
        self.connection.execute("DELETE FROM readings WHERE seq <= ?", (last,))

    def _too_many_rollups(self) -> bool:
        return self.rollups.held() * _ROLLUP_BYTES > self.room.database_bytes // 4

    def _evict_alarms(self) -> bool:
        delivered = self.alarms.evict(AT_ONCE, self.cursors.lowest("alerts") or 0)
        return delivered > 0 or self.alarms.evict(AT_ONCE, self.alarms.last_seq()) > 0

    def _evict_rollups(self) -> bool:
        gone = self.rollups.evict(AT_ONCE)
        if not gone:
            return False
        for sink in self.cursors.sinks():
            lost = [rollup for rollup in gone if rollup[0] > self.cursors.seq(sink, "rollups")]
            if lost:
                minutes = [rollup[3] for rollup in lost]
                first, last = min(rollup[1] for rollup in lost), max(rollup[2] for rollup in lost)
                self.gaps.add(Gap(0, sink, first, last, min(minutes), max(minutes) + MINUTE_US, 0, ROLLUPS_FULL))
                self.cursors.skip(sink, "rollups", lost[-1][0])
        return True
