"""An open database and everything that works on it, built together and dropped together."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.domain.alarm import AlarmChange
from agent.domain.clock import Instant
from agent.domain.delivery import DeadLetter, Taken
from agent.domain.reading import Gap, Rollup, StoredReading
from agent.store.alarm_log import AlarmLog
from agent.store.checksum import is_whole
from agent.store.cursors import Cursors
from agent.store.damage import BECAUSE, Sieve
from agent.store.database import open_database
from agent.store.dead_letters import TABLE, DeadLetters, Refused
from agent.store.epochs import Epochs
from agent.store.eviction import Eviction
from agent.store.gaps import Gaps
from agent.store.lanes import Lanes
from agent.store.learnt import LearntTable
from agent.store.log_file import check_log, ends_in_doubt
from agent.store.marks import Marks
from agent.store.places import Places
from agent.store.recovery import Recovery, inherit
from agent.store.ring_buffer import RingBuffer
from agent.store.rollups import Rollups
from agent.store.room import Room
from agent.store.timeline import Timeline

STREAM = {"live": "readings", "backlog": "readings"}
"""The stream a lane carries, where it has another name."""

FEED = "mqtt"
"""The alarm feed's name among the cursors: it follows the alerts alone."""


@dataclass(frozen=True, slots=True)
class Tables:
    """`inode` is that of the file the connection writes to."""

    connection: sqlite3.Connection
    inode: int
    timeline: Timeline
    epochs: Epochs
    ring: RingBuffer
    rollups: Rollups
    alarms: AlarmLog
    gaps: Gaps
    cursors: Cursors
    letters: DeadLetters
    lanes: Lanes
    eviction: Eviction
    recovery: Recovery
    learnt: LearntTable

    def settle(self, sink: str, lane: str, after: int, upto: int, rejected: Sequence[Refused]) -> None:
        """Book what a sink has taken and refused of what lies after `after`, up to `upto`."""
        if lane == "replay":
            self.letters.replayed(sink, after, upto, rejected)
            return
        stream = STREAM.get(lane, lane)
        # What is settled already is counted already, and what was evicted meanwhile is counted in a gap.
        after = max(after, self.cursors.seq(sink, stream))
        ahead = self.cursors.ahead(sink) if stream == "readings" else ()
        if upto <= after or any(start <= after and upto <= end for start, end in ahead):
            return
        refused = [refusal for refusal in rejected if after < refusal.seq <= upto]
        letters = [(one, entry) for one in refused if (entry := self.letters.entry(stream, one.seq)) is not None]
        mine = ("AND sink = ?", (sink,)) if stream == "gaps" else ("", ())
        ask = f"SELECT count(*) FROM {TABLE[stream]} WHERE seq > ? AND seq <= ? {mine[0]}"
        count: int = self.connection.execute(ask, (after, upto, *mine[1])).fetchone()[0]
        self.cursors.settle(sink, stream, after, upto, count - len(refused), len(refused))
        if letters:
            # Not before: it may be their own rows that go now, and those are settled.
            self.eviction.make_room(len(letters), sum(len(one.because) + len(entry) for one, entry in letters))
        for one, entry in letters:
            self.letters.keep(sink, stream, one.seq, one.because, entry)

    def taken(self, sink: str, lane: str, limit: int, beyond: int, patient: bool, now: Instant) -> Taken:
        """What to send next on that lane."""
        if lane == "live":
            return self.lanes.live(sink, limit, beyond, patient, now)
        if lane == "backlog":
            return self.lanes.backlog(sink, limit, beyond, patient, now)
        if lane == "replay":
            letters = self.letters.to_replay(sink, beyond, limit)
            return Taken(beyond, [entry for letter in letters if (entry := self._offered(*letter))])
        after = max(self.cursors.seq(sink, lane), beyond)
        if lane == "alerts":
            return Taken(after, self.alarms.taken(after, limit))
        if lane == "rollups":
            return Taken(after, self.rollups.after(after, limit))
        return Taken(after, self.gaps.after(sink, after, limit))

    def _offered(self, number: int, stream: str, entry: str) -> DeadLetter | None:
        """A letter to be sent again; None, and withheld with the reason, if it is no whole row of this version."""
        try:
            row = json.loads(entry)
            if isinstance(row, list) and row and is_whole(TABLE[stream], row):
                return DeadLetter(number, self._entry(stream, row))
            because = "it is not a row as this version writes it"
        except (LookupError, TypeError, ValueError) as error:
            because = f"this version does not know what it means ({error!r})"
        self.letters.withhold(number, because)
        return None

    def _entry(self, stream: str, row: list[Any]) -> StoredReading | AlarmChange | Gap | Rollup:
        """What the row of a dead letter means."""
        if stream == "readings":
            return self.ring.stored([row])[0]
        if stream == "rollups":
            return self.rollups.rollup(row)
        return self.alarms.change(row) if stream == "alerts" else self.gaps.gap(row)


def open_tables(path: Path, room: Room, sinks: Sequence[str], now: Instant, last_seq: int | None = None) -> Tables:
    """Open the database at `path` and see that every sink has its cursors. A fresh one inherits from a damaged one
    beside it, whose last number is `last_seq` if that is known.

    Raises sqlite3.Error, StoreError or OSError; KeyError or ValueError when it holds what this version does not know.
    """
    check_log(path)
    connection = open_database(path, room)
    try:
        in_doubt = ends_in_doubt(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        first_seq = None
        if connection.execute("SELECT 1 FROM epochs").fetchone() is None:
            first_seq = inherit(connection, path, last_seq or 0)
        tables = _built(connection, path, room, now, first_seq)
        if in_doubt:
            # Readings may be hidden there that a sink has had: no number of theirs is to mean anything else.
            tables.epochs.begin(tables.ring.last_seq + 1, now)
        tables.cursors.ensure(sinks, FEED)
        if first_seq is not None:
            tables.recovery.begin(last_seq is not None)
        tables.gaps.forget_the_delivered()
        tables.alarms.forget_the_oldest(tables.cursors.lowest("alerts") or 0)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return tables


def _built(connection: sqlite3.Connection, path: Path, room: Room, now: Instant, first_seq: int | None) -> Tables:
    places, timeline, epochs = Places(connection), Timeline(connection), Epochs(connection)
    cursors, marks, letters = Cursors(connection), Marks(connection), DeadLetters(connection)
    last_seq = max(_high_water_mark(connection, cursors), (first_seq or 1) - 1)
    if first_seq is not None or not epochs.known:
        epochs.begin(last_seq + 1, now)
    sieve = Sieve(connection, letters)
    gaps = Gaps(connection, cursors, epochs, sieve)

    def count_damaged(seq: int, from_us: int, to_us: int) -> None:
        for sink in cursors.sinks():
            if cursors.lacks(sink, seq):
                gaps.add(Gap(0, sink, seq, seq, from_us, to_us, 1, BECAUSE))

    ring = RingBuffer(connection, places, timeline, epochs, sieve, count_damaged, last_seq)
    rollups = Rollups(connection, places, timeline, epochs, cursors, sieve)
    alarms = AlarmLog(connection, places, timeline, sieve)
    recovery = Recovery(connection, path, ring, cursors, gaps, marks)
    lanes = Lanes(ring, cursors, timeline, recovery)
    eviction = Eviction(connection, room, ring, rollups, alarms, gaps, letters, cursors, timeline, marks)
    return Tables(
        connection, path.stat().st_ino, timeline, epochs, ring, rollups, alarms, gaps, cursors, letters, lanes,
        eviction, recovery, LearntTable(connection, places, timeline, ring),
    )  # fmt: skip


def _high_water_mark(connection: sqlite3.Connection, cursors: Cursors) -> int:
    """The highest number ever given to a reading: rows may be gone, but cursors, gaps and epochs remember."""
    ask = ("SELECT max(seq) FROM readings", "SELECT max(last_seq) FROM gaps", "SELECT max(first_seq) - 1 FROM epochs")
    return max(cursors.highest("readings"), *(connection.execute(one).fetchone()[0] or 0 for one in ask))
