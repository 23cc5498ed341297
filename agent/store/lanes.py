"""Which readings go next to a sink: the newest by the live lane, what had to wait by the backlog lane.

A sink that keeps up has only the live lane, which then is simply the order of the numbers. When the oldest unsettled
reading is older than `LIVE_S`, the live lane jumps to those that are younger, and what it leaves behind is backlog.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.domain.clock import Instant
from agent.domain.delivery import Taken
from agent.domain.reading import StoredReading
from agent.store.cursors import MOST_STRETCHES, Cursors
from agent.store.recovery import Recovery
from agent.store.ring_buffer import RingBuffer, Row
from agent.store.timeline import Timeline

LIVE_S = 120.0


@dataclass(frozen=True, slots=True)
class Lanes:
    """Works inside its caller's transactions."""

    ring: RingBuffer
    cursors: Cursors
    timeline: Timeline
    recovery: Recovery

    def live(self, sink: str, limit: int, beyond: int, patient: bool, now: Instant) -> Taken:
        """The oldest readings of the live lane."""
        after = max(self._live_after(sink, now), beyond)
        return Taken(after, self._taken(after, self.ring.last_seq, limit, patient))

    def backlog(self, sink: str, limit: int, beyond: int, patient: bool, now: Instant) -> Taken:
        """The oldest of what lies between the cursor and the live lane."""
        seq, ahead = self.cursors.seq(sink, "readings"), self.cursors.ahead(sink)
        if self.recovery.awaited:
            return Taken(max(seq, beyond), [])
        upto = ahead[0][0] if ahead else self._live_after(sink, now)
        after = max(seq, beyond)
        found = self._taken(after, upto, limit, patient)
        if not found and ahead and after == seq and not self.ring.rows(after, upto, 1):
            self.cursors.skip(sink, "readings", upto)
            return self.backlog(sink, limit, beyond, patient, now)
        return Taken(after, found)

    def _live_after(self, sink: str, now: Instant) -> int:
        """Where the live lane goes on: behind what it has settled, unless that has grown old."""
        ahead = self.cursors.ahead(sink)
        after = ahead[-1][1] if ahead else self.cursors.seq(sink, "readings")
        rows = self.ring.rows(after, self.ring.last_seq, 1)
        live_ms = round((now.boot_s - LIVE_S) * 1000)

        def young(at: Instant) -> bool:
            return at.boot_id == now.boot_id and at.boot_ms >= live_ms

        if not rows or young(self.ring.moment(rows[0])) or len(ahead) >= MOST_STRETCHES:
            return after
        return self.ring.first(young) - 1

    def _taken(self, after: int, upto: int, limit: int, patient: bool) -> list[StoredReading]:
        """Readings whose time is known for good; a patient sink gets none from the first on whose time is not."""
        rows = self.ring.rows(after, upto, limit)
        if any(self.timeline.is_open(segment) for segment in {row[2] for row in rows}):
            if patient:
                rows = _before_open(rows, self.timeline)
            else:
                self.timeline.freeze_open()
        return self.ring.stored(rows)


def _before_open(rows: Sequence[Row], timeline: Timeline) -> list[Row]:
    first = next(n for n, row in enumerate(rows) if timeline.is_open(row[2]))
    return list(rows[:first])
