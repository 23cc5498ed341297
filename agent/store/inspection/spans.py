"""What the ring buffer holds of every sensor, in spans of five minutes; for the scores of tanks and probes."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from agent.checks import CHECKS
from agent.domain.quality import USABLE
from agent.scores.hours import SPAN_S, FiveMinutes
from agent.store.inspection.reader import Reader

_PAGE = 20_000
_ANOMALY, _STUCK = (list(CHECKS).index(name) + 1 for name in ("z_score", "flat_line"))
_UTC_US = "(g.offset_us + 1000 * r.boot_ms)"
_READINGS = "FROM readings AS r JOIN segments AS g ON g.id = r.segment"
_SPANS = f"""
    SELECT s.sensor_id, {_UTC_US} / {SPAN_S * 1_000_000}, count(*), count(r.value),
           count(CASE WHEN r.quality >= {USABLE} THEN r.value END),
           total(CASE WHEN r.quality >= {USABLE} THEN r.value END),
           total(CASE WHEN r.quality >= {USABLE} THEN r.value * r.value END),
           min(CASE WHEN r.quality >= {USABLE} THEN r.value END),
           total(r.quality), total(substr(r.tests, {_ANOMALY}, 1) IN ('3', '4')),
           max(CASE WHEN r.quality >= {USABLE} THEN r.value END), total(substr(r.tests, {_STUCK}, 1) IN ('3', '4'))
    {_READINGS} JOIN sensors AS s ON s.id = r.sensor
    WHERE r.seq > ? AND r.seq <= ? GROUP BY 1, 2"""

_COURSE = f"""
    SELECT {_UTC_US} / 1e6, r.value {_READINGS} JOIN sensors AS s ON s.id = r.sensor
    WHERE r.seq > ? AND r.seq <= ? AND s.sensor_id = ? AND r.value IS NOT NULL AND r.quality > 0 ORDER BY r.seq"""


def first_since(reader: Reader, utc_us: int) -> int:
    """A number before that of the first reading since then, by halving: readings are stored in the order of time."""
    low = (reader.value("SELECT min(seq) FROM readings") or 1) - 1
    high = reader.value("SELECT max(seq) FROM readings") or 0
    while low < high:
        middle = (low + high) // 2
        found = reader.value(f"SELECT {_UTC_US} {_READINGS} WHERE r.seq > ? ORDER BY r.seq LIMIT 1", middle)
        if found is not None and found < utc_us:
            low = middle + 1
        else:
            high = middle
    return low


def spans(reader: Reader, after: int) -> Iterator[tuple[int, Sequence[tuple[UUID, FiveMinutes]]]]:
    """Page by page what was stored after that number: the number up to which it goes, and the spans of every sensor.
    One that goes over the edge of a page comes in two parts.
    """
    newest = reader.value("SELECT max(seq) FROM readings") or 0
    after = max(after, (reader.value("SELECT min(seq) FROM readings") or 1) - 1)
    while after < newest:
        upto = min(after + _PAGE, newest)
        rows = reader.rows(_SPANS, after, upto)
        yield upto, [(UUID(sensor_id), FiveMinutes(*numbers)) for sensor_id, *numbers in rows]
        after = upto


def course(reader: Reader, sensor_id: UUID, from_us: int, to_us: int) -> Sequence[tuple[float, float]]:
    """What a sensor measured from then until then (UTC microseconds), by second and value, oldest first."""
    after, end = first_since(reader, from_us), first_since(reader, to_us)
    found: list[tuple[float, float]] = []
    while after < end:
        upto = min(after + _PAGE, end)
        found += reader.rows(_COURSE, after, upto, str(sensor_id))
        after = upto
    return found
