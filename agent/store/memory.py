"""What the ring buffer can tell the checks after a restart: the last hour as it was, the day before it in buckets.

Ages are by boot clock within one boot. Across boots only wall time is left, so rows count only where it was trusted
then and is trusted now; what cannot be placed in time is left out.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from agent.checks import CHECKS
from agent.domain.clock import Instant
from agent.store.ring_buffer import RingBuffer

_DAY_S = 86_400
_HOUR_S = 3_600
_BUCKET_MS = 300_000
_GROSS_RANGE = list(CHECKS).index("gross_range") + 1
"""Its digit in `tests`: what the sensor cannot measure is no memory."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One remembered reading, or a `bucket` of readings, of one sensor.

    `at_s` is on the present boot clock, negative for before this boot; `m2` is the sum of squared deviations.
    """

    sensor_id: UUID
    at_s: float
    count: int
    mean: float
    m2: float
    quality: float
    bucket: bool


def remembered(
    connection: sqlite3.Connection, ring: RingBuffer, now: Instant, usable_quality: float
) -> Iterator[Remembered]:
    """Buckets of the last day, then the readings of the last hour, oldest first; no failed and no missing ones."""
    day = ring.first(lambda at: _is_since(at, now, _DAY_S))
    hour = ring.first(lambda at: _is_since(at, now, _HOUR_S))
    # A bucket that never moved is told exactly: rounding would make it move by a hair, and any value an outlier.
    buckets = """
        SELECT s.sensor_id, g.boot_id, min(boot_ms), min(g.offset_us + 1000 * boot_ms), g.clock IN (1, 2), count(*),
               iif(min(value) = max(value), min(value), avg(value)),
               iif(min(value) = max(value), 0.0, sum(value * value) - count(*) * avg(value) * avg(value)), 1.0
        FROM readings AS r JOIN sensors AS s ON s.id = r.sensor JOIN segments AS g ON g.id = r.segment
        WHERE seq >= ? AND seq < ? AND value IS NOT NULL AND quality >= ?
        GROUP BY r.sensor, r.segment, boot_ms / ? ORDER BY min(seq)"""
    single = """
        SELECT s.sensor_id, g.boot_id, boot_ms, g.offset_us + 1000 * boot_ms, g.clock IN (1, 2), 1, value, 0.0, quality
        FROM readings AS r JOIN sensors AS s ON s.id = r.sensor JOIN segments AS g ON g.id = r.segment
        WHERE seq >= ? AND value IS NOT NULL AND substr(tests, ?, 1) <> '4' ORDER BY seq"""
    for row in connection.execute(buckets, (day, hour, usable_quality, _BUCKET_MS)):
        yield from _placed(now, row, True)
    for row in connection.execute(single, (hour, _GROSS_RANGE)):
        yield from _placed(now, row, False)


def _placed(
    now: Instant, row: tuple[str, str, int, int, int, int, float, float, float], bucket: bool
) -> Iterator[Remembered]:
    sensor_id, boot_id, boot_ms, utc_us, trusted, count, mean, m2, quality = row
    if boot_id == now.boot_id:
        at_s = boot_ms / 1000
    elif trusted and now.trusted:
        at_s = now.boot_s - (now.utc_us - utc_us) / 1e6
    else:
        return
    if 0 <= now.boot_s - at_s <= _DAY_S:
        yield Remembered(UUID(sensor_id), at_s, count, mean, max(m2, 0.0), quality, bucket)


def _is_since(at: Instant, now: Instant, seconds: int) -> bool:
    """Within this boot its clock says so; across boots only wall times that can be believed do."""
    if at.boot_id == now.boot_id:
        return at.boot_ms >= now.boot_ms - 1000 * seconds
    return at.trusted and now.trusted and at.utc_us >= now.utc_us - 1_000_000 * seconds
