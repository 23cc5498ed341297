"""Climatology (QARTOD test 5): whether a value fits the time of year and of day.

Seasons are in UTC, ends included, and may go round the turn of the year or of the day: months 11 to 2 are a winter
(ioos_qc 3.0.0 makes February to November of them). Where several seasons match, the last one counts; where none does,
or while the wall clock cannot be believed, nothing is evaluated. Out of season is unusual water and no fault of a
probe, so it is suspect and usable, as in the manual; only a season with a span of its own for it fails a value.
(A value that is missing or infinite is 9 here as everywhere; ioos_qc calls it good, or suspect, in some seasons.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.checks.check import GOOD, NOT_EVALUATED, Check, Point, Surroundings
from agent.domain.farm import Span
from agent.domain.quality import UNUSUAL_WATER, WRONG_PROBE
from agent.domain.reading import Flag, Verdict

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Season:
    """`span` is usual then, outside `fail` (if given) no water ever is; canonical units. Months and days of the year
    count from 1, weeks as in ISO 8601, hours from 0; each is (first, last) and holds for all if left out. `between` two
    instants is for what happens once.
    """

    span: Span
    fail: Span | None = None
    months: tuple[int, int] | None = None
    weeks: tuple[int, int] | None = None
    days: tuple[int, int] | None = None
    hours: tuple[int, int] | None = None
    between: tuple[datetime, datetime] | None = None

    def __post_init__(self) -> None:
        for span in (self.span, self.fail):
            if span is not None and not span.low < span.high:
                raise ValueError(f"a season needs low below high, got {span.low:g} and {span.high:g}")
        for name, least, greatest in (("months", 1, 12), ("weeks", 1, 53), ("days", 1, 366), ("hours", 0, 23)):
            if not all(least <= end <= greatest for end in getattr(self, name) or ()):
                raise ValueError(f"a season needs {name} from {least} to {greatest}")
        if self.between is not None and not (
            all(end.tzinfo for end in self.between) and self.between[0] <= self.between[1]
        ):
            raise ValueError("a season needs its dates in order and with their offset from UTC, such as …T06:00:00Z")


@dataclass(frozen=True, slots=True)
class Limits:
    """`seasons`, of which the last that matches counts."""

    seasons: tuple[Season, ...]


class Climatology(Check):
    """GOOD, SUSPECT, or FAIL; NOT_EVALUATED out of all seasons."""

    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._hour: int | None = None
        self._candidates: Sequence[Season] = ()

    def judge(self, point: Point) -> Verdict:
        season = None if point.utc_us is None else self._season(point.utc_us)
        if season is None:
            return NOT_EVALUATED
        value, span, fail = point.value, season.span, season.fail
        if fail is not None and not fail.low <= value <= fail.high:
            because = f"{value:g} is outside what is possible at this time ({fail.low:g} to {fail.high:g})"
            return Verdict(Flag.FAIL, because, WRONG_PROBE)
        if not span.low <= value <= span.high:
            because = f"{value:g} is outside what is usual at this time ({span.low:g} to {span.high:g})"
            return Verdict(Flag.SUSPECT, because, UNUSUAL_WATER)
        return GOOD

    def _season(self, utc_us: int) -> Season | None:
        hour = utc_us // _HOUR_US
        if hour != self._hour:  # the calendar is asked once an hour, and not for every reading
            self._hour = hour
            at = datetime.fromtimestamp(hour * 3600, UTC)
            self._candidates = [season for season in reversed(self.limits.seasons) if _fits(season, at)]
        return next((season for season in self._candidates if _is_between(season, utc_us)), None)


def _fits(season: Season, at: datetime) -> bool:
    """By the calendar."""
    return (
        is_in(season.months, at.month)
        and is_in(season.weeks, at.isocalendar().week)
        and is_in(season.days, at.timetuple().tm_yday)
        and is_in(season.hours, at.hour)
    )


def is_in(ends: tuple[int, int] | None, number: int) -> bool:
    """Whether it is between both, ends included, or round the turn of the year or day; None is always."""
    if ends is None:
        return True
    first, last = ends
    return first <= number <= last if first <= last else number >= first or number <= last


def _is_between(season: Season, utc_us: int) -> bool:
    if season.between is None:
        return True
    first, last = season.between
    return first.timestamp() * 1e6 <= utc_us <= last.timestamp() * 1e6
