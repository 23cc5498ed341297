"""After damage: the fresh database inherits what the damaged file knew, and gets its rows back while the gateway runs.

Until the last row is back the backlog lane rests, and no cursor passes the numbers that may still come. Then what did
not come back is counted, for each sink that lacked it.
"""

import logging
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from agent.domain.errors import StoreError
from agent.domain.reading import Gap
from agent.store.cursors import Cursors
from agent.store.gaps import Gaps
from agent.store.marks import EVICTED, ROLLUPS_GIVEN, Marks
from agent.store.ring_buffer import RingBuffer
from agent.store.salvage.carry import Salvage
from agent.store.salvage.wreck import leftovers

log = logging.getLogger(__name__)

LOST = "the ring buffer's file was damaged"
MAYBE_LOST = "the ring buffer's file was damaged: what was stored last may be lost"

_AWAITED = "awaited up to"
"""The mark: readings up to this number may still come back; 0 when none may."""

_END_IS_KNOWN = "the last number was known"
"""The mark: 1 if the gateway itself met the damage while it ran, so that no reading was given a number unnoticed."""

_MOST_HOLES = 1_000


def inherit(connection: sqlite3.Connection, database: Path, last_seq: int) -> int | None:
    """Into a database that is still empty, what the newest damaged file beside it knew; in the caller's transaction.

    Returns the first number for a new reading, above `last_seq` if that is known to have been given (otherwise 0); None
    if there is no damaged file or nothing in it.
    """
    try:
        for damaged in reversed(leftovers(database)):
            salvage = Salvage(damaged)
            survey = salvage.survey()
            if survey.first_free == 1 and not any(survey.rows.values()):
                log.error("Nothing of a ring buffer is left in %s; remove it when nobody needs it", damaged)
                continue
            dropped = salvage.inherit(connection, survey)
            first_seq = max(survey.first_free, last_seq + 1)
            marks = Marks(connection)
            marks.put(_AWAITED, first_seq - 1)
            marks.put(ROLLUPS_GIVEN, survey.last["rollups"])
            log.warning("%s is salvaged: %d small rows, %d lost", damaged, sum(map(len, survey.rows.values())), dropped)
            return first_seq
    except StoreError as error:
        log.error("The damaged ring buffer is left as it is: %s", error)
    return None


class Recovery:
    """Works inside its caller's transactions, except `give_up_chunk`.

    Readings up to number `awaited` may still come back; 0 when none may.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        database: Path,
        ring: RingBuffer,
        cursors: Cursors,
        gaps: Gaps,
        marks: Marks,
    ) -> None:
        self._connection = connection
        self._database = database
        self._ring = ring
        self._cursors = cursors
        self._gaps = gaps
        self._marks = marks
        self._salvage: Salvage | None = None
        self.awaited = marks.get(_AWAITED)

    def begin(self, last_is_known: bool) -> None:
        """Right after `inherit`: keep every cursor behind what may come."""
        self._marks.put(_END_IS_KNOWN, int(last_is_known))
        for sink in self._cursors.sinks():
            self._cursors.keep_behind(sink, self.awaited)

    def step(self) -> bool:
        """Bring back the rows of a few pages; False when none are left, and all is counted."""
        if self._salvage is None:
            self._salvage = self._next_salvage()
        if self._salvage is None:
            for sink in self._cursors.sinks():
                self._count_lost(sink)
                if not self._marks.get(_END_IS_KNOWN):
                    self._admit_unknown(sink)
            self._marks.put(_AWAITED, 0)
            self.awaited = 0
            return False
        self._salvage.step(self._connection, self._marks.get(EVICTED))
        return True

    def give_up_chunk(self) -> None:
        """Once the step is committed: what was brought back is cut off the damaged file."""
        if self._salvage is not None:
            self._salvage.give_up_chunk()
            if self._salvage.bytes_left == 0:
                log.warning("What could be salvaged is back in the ring buffer: %s", self._salvage.found)
                self._salvage = None

    def _next_salvage(self) -> Salvage | None:
        for damaged in leftovers(self._database):
            salvage = Salvage(damaged)
            if salvage.begun(self._connection):
                return salvage
        return None

    def _count_lost(self, sink: str) -> None:
        """A gap for every stretch of numbers that the sink lacked and nobody has any more."""
        seq, oldest = self._cursors.seq(sink, "readings"), self._ring.oldest_seq()
        # A cursor that is lost cannot tell what had been delivered and evicted long before.
        lost = self._lost(sink, seq if seq or oldest is None else oldest - 1, self.awaited)
        for gap in islice(lost, _MOST_HOLES):
            self._gaps.add(gap)
        rest = list(lost)
        if rest:
            first, last, count = rest[0], rest[-1], sum(gap.count or 0 for gap in rest)
            self._gaps.add(Gap(0, sink, first.first_seq, last.last_seq, first.from_us, last.to_us, count, LOST))

    def _admit_unknown(self, sink: str) -> None:
        """Nobody can count what came after the last row that is back, and before the fresh database."""
        around = self._times_around(self.awaited + 1, self.awaited)
        self._gaps.add(Gap(0, sink, 0, 0, min(around), max(around), None, MAYBE_LOST))

    def _lost(self, sink: str, after: int, upto: int) -> Iterator[Gap]:
        for first, last in self._holes(after, upto):
            count = sum(self._cursors.lacks(sink, seq) for seq in range(first, last + 1))
            if count:
                around = self._times_around(first, last)
                yield Gap(0, sink, first, last, min(around), max(around), count, LOST)

    def _times_around(self, first: int, last: int) -> list[int]:
        """When the nearest readings before and after these numbers were measured, as far as there are any."""
        ask = "SELECT max(seq) FROM readings WHERE seq < ?"
        before = self._connection.execute(ask, (first,)).fetchone()[0] or 0
        rows = self._ring.rows(before - 1, before, 1) + self._ring.rows(last, self._ring.last_seq, 1)
        return [self._ring.time_us(row) for row in rows] or [0]

    def _holes(self, after: int, upto: int) -> Iterator[tuple[int, int]]:
        """First and last of the numbers that are not there."""
        ask = "SELECT seq FROM readings WHERE seq > ? AND seq <= ? ORDER BY seq"
        expected = after + 1
        for (seq,) in self._connection.execute(ask, (after, upto)):
            if seq > expected:
                yield expected, seq - 1
            expected = seq + 1
        if expected <= upto:
            yield expected, upto
