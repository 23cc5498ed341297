"""When things happened: how a stored boot time becomes wall time, and when that may still change.

While a boot was never synchronised its segment is open: its time is the best estimate and may still be set right. It is
frozen when the clock is synchronised, or when a sink must have it. Never-synchronised boots follow each other on the
time line as they were stored, whatever their clocks said.
"""

import sqlite3

from agent.domain.clock import SOFTWARE_BEGAN_US, Instant
from agent.store.checksum import damaged
from agent.store.segments import ANY, BOUNDED, CORRECTED, OPEN, SYNCHRONISED, Segment, Segments

_STEP_US = 50_000
_JUST_AFTER_US = 1_000  # boot times are stored in milliseconds


class Timeline:
    """Works inside its caller's transactions; after one was rolled back, begin with a new Timeline.

    Raises sqlite3.DatabaseError (SQLITE_CORRUPT) when a segment is not as it was written.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._segments = Segments(connection)
        self._now: Segment | None = None
        self._newest_ms = 0
        # What an instant must be like to belong where the one before it did; nothing matches the empty boot id.
        self._boot_id, self._trusted, self._stamp_us, self._id = "", False, 0, 0
        if boot_id := self._segments.last_boot(*ANY):
            self._now = self._segments.last(boot_id, OPEN) or self._segments.last(boot_id, *ANY)
            self._newest_ms = self._newest_stored_ms(connection, boot_id)

    def _newest_stored_ms(self, connection: sqlite3.Connection, boot_id: str) -> int:
        """Boot time of the newest row, if it is of that boot."""
        newest_ms = 0
        for table in ("readings", "alarm_log"):
            ask = f"SELECT segment, boot_ms FROM {table} ORDER BY seq DESC LIMIT 1"
            for segment, boot_ms in connection.execute(ask).fetchall():
                if segment not in self._segments:
                    raise damaged(f"{table} refers to segment {segment}, which is not there")
                if self._segments[segment].boot_id == boot_id:
                    newest_ms = max(newest_ms, boot_ms)
        return newest_ms

    def segment_of(self, at: Instant) -> int:
        """The id of the segment for a row of that instant; rows come in the order in which they are stored."""
        boot_ms = at.boot_ms
        offset_us = at.utc_us - 1000 * boot_ms
        if (
            at.boot_id != self._boot_id
            or at.trusted != self._trusted
            or not -_STEP_US <= offset_us - self._stamp_us <= _STEP_US
        ):
            self._turn_to(at, offset_us)
        if boot_ms > self._newest_ms:
            self._newest_ms = boot_ms
        return self._id

    def instant(self, segment: int, boot_ms: int) -> Instant:
        """When a row of that segment happened, as far as it is known now. KeyError if there is no such segment."""
        found = self._segments[segment]
        utc_us, corrected = found.offset_us + 1000 * boot_ms, found.clock == CORRECTED
        return Instant(utc_us, boot_ms / 1000, found.boot_id, corrected or found.clock == SYNCHRONISED, corrected)

    def began_s(self, segment: int, now: Instant) -> float | None:
        """When that segment's boot began, on the present boot clock, negative for an earlier one; None if nobody knows:
        across boots only wall times that can be believed tell.
        """
        if segment not in self:
            return None
        began = self.instant(segment, 0)
        if began.boot_id == now.boot_id:
            return 0.0
        return now.boot_s - (now.utc_us - began.utc_us) / 1e6 if began.trusted and now.trusted else None

    def __contains__(self, segment: int) -> bool:
        return segment in self._segments

    def utc_us(self, segment: int, boot_ms: int) -> int:
        """The wall time of `instant` alone."""
        return self._segments[segment].offset_us + 1000 * boot_ms

    def is_open(self, segment: int) -> bool:
        """Whether its time may still be set right."""
        return self._segments[segment].clock == OPEN

    def freeze_open(self) -> None:
        """The best estimates become the time for good, also of what is still to come before a synchronisation."""
        for segment in self._segments.open():
            self._segments.change(segment, segment.offset_us, BOUNDED)

    def bounded_twin(self, segment: int) -> int:
        """A frozen segment with the best estimate for an open one, which stays correctable; itself if it is not open.

        From then on the estimate of that boot does not change any more.
        """
        found = self._segments[segment]
        if found.clock != OPEN:
            return segment
        twin = self._twin(found) or self._segments.add(
            found.boot_id, found.from_ms, found.not_before_us, found.offset_us, BOUNDED
        )
        return twin.id

    @property
    def believable_us(self) -> int | None:
        """The newest time stored (UTC microseconds) that was synchronised or corrected; None if there is none."""
        boot_id = self._segments.last_boot(SYNCHRONISED, CORRECTED)
        last = boot_id and self._segments.last(boot_id, SYNCHRONISED, CORRECTED)
        return self._end_us(last) if last else None

    def _turn_to(self, at: Instant, offset_us: int) -> None:
        self._now = now = self._place(at, offset_us)
        self._boot_id, self._trusted, self._id = at.boot_id, at.trusted, now.id
        self._stamp_us = now.offset_us if at.trusted else offset_us

    def _place(self, at: Instant, offset_us: int) -> Segment:
        now = self._now
        if at.trusted:
            return self._known(at.boot_id, offset_us, SYNCHRONISED) or self._synchronised(at, offset_us)
        if now is None or now.boot_id != at.boot_id:
            return self._begun(at, offset_us, OPEN)
        if now.clock == SYNCHRONISED:
            # Synchronisation was lost: the boot clock and the last right offset are the best there is.
            known = self._known(at.boot_id, now.offset_us, CORRECTED)
            return known or self._begun(at, now.offset_us, CORRECTED)
        if now.clock == OPEN:
            self._restamp(now, offset_us)
        return now

    def _known(self, boot_id: str, offset_us: int, clock: int) -> Segment | None:
        """The last segment of that kind, if it goes on: a clock that is lost and found again needs no new one."""
        last = self._segments.last(boot_id, clock)
        return last if last and abs(last.offset_us - offset_us) <= _STEP_US else None

    def _synchronised(self, at: Instant, offset_us: int) -> Segment:
        """A new segment with the right offset, by which what is open of this boot is set right.

        Boots before this one can have no better estimate any more, and must have been over when it began.
        """
        begun = self._begun(at, offset_us, SYNCHRONISED)
        moved_us = 0
        for segment in self._segments.open():
            if segment.boot_id == at.boot_id:
                self._segments.change(segment, offset_us, CORRECTED)
                continue
            began_us = segment.offset_us
            if self._end_us(segment) > offset_us and not self._twin(segment):
                began_us = estimate_us(0, segment.not_before_us + moved_us)
            moved_us = began_us - segment.offset_us
            self._segments.change(segment, began_us, BOUNDED)
        return begun

    def _begun(self, at: Instant, offset_us: int, clock: int) -> Segment:
        now = self._now
        not_before_us = max(SOFTWARE_BEGAN_US, now.offset_us + 1000 * self._newest_ms if now else 0)
        if now is None or now.boot_id != at.boot_id:
            self._newest_ms = at.boot_ms
        if clock == OPEN:
            offset_us = estimate_us(offset_us, not_before_us)
        return self._segments.add(at.boot_id, at.boot_ms, not_before_us, offset_us, clock)

    def _restamp(self, segment: Segment, offset_us: int) -> None:
        """Somebody set the clock of a boot that was never synchronised: for all of it, so that its order stays."""
        offset_us = estimate_us(offset_us, segment.not_before_us)
        if abs(offset_us - segment.offset_us) > _STEP_US and not self._twin(segment):
            self._segments.change(segment, offset_us, OPEN)

    def _twin(self, segment: Segment) -> Segment | None:
        return self._segments.last(segment.boot_id, BOUNDED)

    def _end_us(self, segment: Segment) -> int:
        """The time of the last row of that segment's boot."""
        later = self._segments.first_after(segment.boot_id)
        return later.not_before_us if later else segment.offset_us + 1000 * self._newest_ms


def estimate_us(stamped_us: int, not_before_us: int) -> int:
    """When a never-synchronised machine started: as its clock said, unless something was stored before it even then."""
    return max(stamped_us, not_before_us + _JUST_AFTER_US)
