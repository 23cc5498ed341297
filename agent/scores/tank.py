"""The specification's two scores of a tank, with what it leaves open fixed and said.

Both are blunt by design of the specification: pH hardly counts, a probe that stands still is steady, and one dropout
sets the oxygen part. They are kept, since other parts of the system compare farms by them; what a person should act on
is said by alarms and by the checks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.domain.quantity import Quantity
from agent.scores.hours import SPANS_A_DAY, SPANS_AN_HOUR, History, Statistics, statistics

LEAST_COVERAGE: Final = 0.7
"""Below, a score would be of the minutes that happened to be measured: it is unknown."""
_PART: Final = 25.0
_ALARM: Final = 5.0


@dataclass(frozen=True, slots=True)
class TankHealth:
    """`score` from 0 to 100, None while unknown: less than 70 % of the time measured, or a part that nobody measures.

    Each part has up to 25 points, None where there are no readings; `alarms` stand, and cost 5 each. `coverage` is that
    of the least covered of temperature, pH and oxygen.
    """

    score: float | None
    coverage: float
    temperature: float | None
    ph: float | None
    oxygen: float | None
    quality: float | None
    alarms: int


def tank_health(sensors: Mapping[Quantity, Sequence[History]], alarms: int, hours: int, now_hour: int) -> TankHealth:
    """Over the newest `hours` of all sensors of one tank, by quantity. Where several measure the same, the one with the
    fewest points counts, of those that are well covered.
    """
    steady = _points(sensors.get(Quantity.TEMPERATURE, ()), hours, now_hour, lambda found: _steady(found, 5.0))
    steady_ph = _points(sensors.get(Quantity.PH, ()), hours, now_hour, lambda found: _steady(found, 10.0))
    oxygen = _points(sensors.get(Quantity.DISSOLVED_OXYGEN, ()), hours, now_hour, _sufficient)
    quality = _quality([one for several in sensors.values() for one in several], hours, now_hour)
    coverage = min(steady[1], steady_ph[1], oxygen[1])
    parts = (steady[0], steady_ph[0], oxygen[0], quality)
    score = None
    known = [part for part in parts if part is not None]
    if coverage >= LEAST_COVERAGE and len(known) == len(parts):
        score = min(100.0, max(0.0, sum(known) - _ALARM * alarms))
    return TankHealth(score, coverage, *parts, alarms)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """`score` from 0 to 100, None while there are no two days to tell a trend from; `days` are known.

    `degradation` is a million times the slope of the daily mean quality in 1/s, where it falls; `missing` the percent
    of the expected five minutes without a value; `anomalies` ten times the five minutes a day in which the 24-hour
    z-score saw one. Each from 0 to 100.
    """

    score: float | None
    recommendation: str
    degradation: float | None
    missing: float | None
    anomalies: float | None
    days: float


def maintenance(sensors: Sequence[History], days: int, now_span: int) -> Maintenance:
    """Over the newest `days` of all sensors of one tank: 24 hours each, of which the last is that of `now_span` as far
    as it has come. A sensor counts from its first reading; one without any as long as the others do.

    The cloud's `analytics.calculate_maintenance_score` gives the same for the same readings.
    """
    now_hour = now_span // SPANS_AN_HOUR
    begin = SPANS_AN_HOUR * (now_hour - 24 * days + 1)
    since = min((one.first for one in sensors if one.first is not None), default=now_span + 1)
    known_days = max(0, now_span + 1 - max(since, begin)) / SPANS_A_DAY
    degradation = _degradation(sensors, days, now_hour)
    if degradation is None:
        return Maintenance(None, "Not enough readings to judge", None, None, None, known_days)
    expected, valued, anomalous = 0.0, 0.0, 0
    for one in sensors:
        spans = now_span + 1 - max(begin, since if one.first is None else one.first)
        seen = list(one.last(24 * days, now_hour))
        expected += spans * one.expected_share
        valued += min(spans * one.expected_share, sum(hour.valued_spans.bit_count() for hour in seen))
        anomalous += sum(hour.anomalous_spans.bit_count() for hour in seen)
    missing = _clamped(100 * (1 - valued / expected))
    anomalies = _clamped(10 * anomalous / max(1.0, known_days))
    score = 0.4 * degradation + 0.3 * missing + 0.3 * anomalies
    return Maintenance(score, recommendation(score), degradation, missing, anomalies, known_days)


def recommendation(score: float) -> str:
    """In the specification's words."""
    if score > 80:
        return "Immediate maintenance required"
    if score > 60:
        return "Schedule maintenance soon"
    return "Monitor closely" if score > 40 else "System operating normally"


def _points(
    several: Sequence[History], hours: int, now_hour: int, points: Callable[[Statistics], float | None]
) -> tuple[float | None, float]:
    """The fewest points among the well covered, and the best coverage."""
    found = [statistics(one, hours, now_hour) for one in several]
    coverage = max((one.coverage for one in found), default=0.0)
    counted = [one for one in found if one.coverage >= min(LEAST_COVERAGE, coverage)]
    known = [worth for one in counted if (worth := points(one)) is not None]
    return min(known, default=None), coverage


def _steady(found: Statistics, cost: float) -> float | None:
    return None if found.deviation is None else max(0.0, _PART - cost * found.deviation)


def _sufficient(found: Statistics) -> float | None:
    if found.least is None:
        return None
    return next((points for least, points in ((6.0, 25.0), (4.0, 15.0), (2.0, 5.0)) if found.least >= least), 0.0)


def _quality(sensors: Sequence[History], hours: int, now_hour: int) -> float | None:
    """Of every reading, the missing ones with quality 0."""
    seen = [hour for one in sensors for hour in one.last(hours, now_hour)]
    readings = sum(hour.readings for hour in seen)
    return _PART * sum(hour.quality for hour in seen) / readings if readings else None


def _degradation(sensors: Sequence[History], days: int, now_hour: int) -> float | None:
    """By least squares over the days back from now; None for fewer than two."""
    means: list[tuple[float, float]] = []
    for ago in range(days):
        seen = [hour for one in sensors for hour in one.last(24, now_hour - 24 * ago)]
        if readings := sum(hour.readings for hour in seen):
            means.append((-86_400.0 * ago, sum(hour.quality for hour in seen) / readings))
    if len(means) < 2:
        return None
    mid_s, mid = (sum(values) / len(means) for values in zip(*means, strict=True))
    slope = sum((at - mid_s) * (mean - mid) for at, mean in means) / sum((at - mid_s) ** 2 for at, _ in means)
    return _clamped(-slope * 1e6)


def _clamped(points: float) -> float:
    return min(100.0, max(0.0, points))
