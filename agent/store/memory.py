"""What the ring buffer can tell the checks after a restart: what was measured, in the order in which it was.

Ages are by boot clock within one boot. Across boots only wall time is left, so rows count only where it was trusted
then and is trusted now; what cannot be placed in time is left out.
"""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from agent.domain.clock import Instant
from agent.domain.quality import NO_MEASUREMENT
from agent.store.ring_buffer import RingBuffer
from agent.store.timeline import Timeline


class Remembered(NamedTuple):
    """One stored value of one sensor, with its quality score; `at_s` is on the present boot clock, negative for before
    this boot, and `age_s` seconds ago.
    """

    sensor_id: UUID
    at_s: float
    value: float
    quality: float
    age_s: float


def remembered(
    connection: sqlite3.Connection, ring: RingBuffer, timeline: Timeline, now: Instant, memory_s: float
) -> Iterator[Remembered]:
    """The values of the last `memory_s` seconds, oldest first, but for those that were no measurement."""
    now_s = now.boot_ms / 1000
    first = ring.first(lambda at: _is_since(at, now, memory_s))
    sensors = {row: UUID(sensor_id) for row, sensor_id in connection.execute("SELECT id, sensor_id FROM sensors")}
    began_s: dict[int, float | None] = {}
    ask = "SELECT sensor, segment, boot_ms, value, quality FROM readings WHERE seq >= ? AND quality > ? ORDER BY seq"
    for sensor, segment, boot_ms, value, quality in connection.execute(ask, (first, NO_MEASUREMENT)):
        if segment not in began_s:
            began_s[segment] = _began_s(timeline, segment, now)
        began = began_s[segment]
        if began is None or value is None or sensor not in sensors:
            continue
        at_s = began + boot_ms / 1000
        age_s = now_s - at_s
        if 0 <= age_s <= memory_s:
            yield Remembered(sensors[sensor], at_s, value, quality, age_s)


def _began_s(timeline: Timeline, segment: int, now: Instant) -> float | None:
    """When that segment's boot began, on the present boot clock; None if nobody knows."""
    if segment not in timeline:
        return None
    began = timeline.instant(segment, 0)
    if began.boot_id == now.boot_id:
        return 0.0
    return now.boot_s - (now.utc_us - began.utc_us) / 1e6 if began.trusted and now.trusted else None


def _is_since(at: Instant, now: Instant, seconds: float) -> bool:
    """Within this boot its clock says so; across boots only wall times that can be believed do."""
    if at.boot_id == now.boot_id:
        return at.boot_ms >= now.boot_ms - 1000 * seconds
    return at.trusted and now.trusted and at.utc_us >= now.utc_us - 1_000_000 * seconds
