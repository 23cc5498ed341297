"""What the ring buffer can tell the checks after a restart: what was measured, in the order in which it was.

Ages are by boot clock within one boot. Across boots only wall time is left, so rows count only where it was trusted
then and is trusted now; what cannot be placed in time is left out.
"""

import logging
import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple
from uuid import UUID

from agent.domain.clock import Instant
from agent.domain.reading import Flag
from agent.store.ring_buffer import RingBuffer
from agent.store.timeline import Timeline

log = logging.getLogger(__name__)

MOST_AGAIN: Final = 400_000
"""So many readings at most are learnt again where nothing was noted: polling begins when that is done. It is a day of
23 sensors read every five seconds.
"""


class Remembered(NamedTuple):
    """One stored reading of one sensor, with its quality score; `at_s` is on the present boot clock, negative before
    this boot, and `age_s` seconds ago. What was no measurement has a `value` all the same, unless it was missing.
    """

    seq: int
    sensor_id: UUID
    at_s: float
    value: float | None
    quality: float
    age_s: float
    flag: Flag


def remembered(
    connection: sqlite3.Connection, ring: RingBuffer, timeline: Timeline, now: Instant, memory_s: float, after: int
) -> Iterator[Remembered]:
    """The readings of the last `memory_s` seconds, but not more than `MOST_AGAIN`, and all with a number above `after`;
    oldest first.
    """
    now_s = now.boot_ms / 1000
    first = ring.first(lambda at: _is_since(at, now, memory_s))
    if ring.last_seq - first >= MOST_AGAIN:
        log.info("Of the stored readings the newest %d are learnt again, so that polling begins soon", MOST_AGAIN)
        first = ring.last_seq + 1 - MOST_AGAIN
    of_sensors = "SELECT id, sensor_id FROM sensors WHERE sensor_id <> ''"  # and not of equipment
    sensors = {row: UUID(sensor_id) for row, sensor_id in connection.execute(of_sensors)}
    began_s: dict[int, float | None] = {}
    ask = "SELECT seq, sensor, segment, boot_ms, value, quality, flag FROM readings WHERE seq >= ? ORDER BY seq"
    for seq, sensor, segment, boot_ms, value, quality, flag in connection.execute(ask, (min(first, after + 1),)):
        if segment not in began_s:
            began_s[segment] = timeline.began_s(segment, now)
        began = began_s[segment]
        if began is None or sensor not in sensors:
            continue
        at_s = began + boot_ms / 1000
        age_s = now_s - at_s
        if age_s >= 0 and (seq > after or age_s <= memory_s):
            yield Remembered(seq, sensors[sensor], at_s, value, quality, age_s, Flag(flag))


def _is_since(at: Instant, now: Instant, seconds: float) -> bool:
    """Within this boot its clock says so; across boots only wall times that can be believed do."""
    if at.boot_id == now.boot_id:
        return at.boot_ms >= now.boot_ms - 1000 * seconds
    return at.trusted and now.trusted and at.utc_us >= now.utc_us - 1_000_000 * seconds
