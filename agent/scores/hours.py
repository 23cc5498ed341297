"""A week of one sensor in hours, so that no score has to read a week of rows again."""

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

SPAN_S: Final = 300
"""Spans of five minutes: as the specification counts expected readings."""
SPANS_AN_HOUR: Final = 3600 // SPAN_S
SPANS_A_DAY: Final = 24 * SPANS_AN_HOUR
HOURS_KEPT: Final = 7 * 24 + 1


class FiveMinutes(NamedTuple):
    """The readings of one sensor in the five minutes that begin at `number` * 300 s of UTC.

    `usable` of `readings` have a quality of at least 0.7: `total`, `squares`, `least` and `greatest` are of their
    values. `stuck` of those with a value are part of a flat line.
    """

    number: int
    readings: int
    valued: int
    usable: int
    total: float
    squares: float
    least: float | None
    quality: float
    anomalies: int
    greatest: float | None = None
    stuck: int = 0

    @property
    def deviation(self) -> float | None:
        """Of the usable values, as a sample; None for fewer than three."""
        if self.usable < 3:
            return None
        return math.sqrt(max(0.0, self.squares - self.total * self.total / self.usable) / (self.usable - 1))


@dataclass(slots=True)
class Hour:
    """Sums over the spans of an hour; the masks have a bit for each span with a value, a usable one, an anomaly.
    `deviations` are those within single spans, of the newest day alone.
    """

    readings: int = 0
    valued: int = 0
    stuck: int = 0
    usable: int = 0
    total: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    quality: float = 0.0
    valued_spans: int = 0
    usable_spans: int = 0
    anomalous_spans: int = 0
    deviations: "array[float]" = field(default_factory=lambda: array("f"))

    def add(self, span: FiveMinutes) -> None:
        bit = 1 << span.number % SPANS_AN_HOUR
        self.readings += span.readings
        self.valued += span.valued
        self.stuck += span.stuck
        self.usable += span.usable
        self.total += span.total
        self.squares += span.squares
        self.least = min(self.least, math.inf if span.least is None else span.least)
        self.quality += span.quality
        self.valued_spans |= bit if span.valued else 0
        self.usable_spans |= bit if span.usable else 0
        self.anomalous_spans |= bit if span.anomalies else 0
        if (deviation := span.deviation) is not None:
            self.deviations.append(deviation)


@dataclass
class History:
    """Of one sensor, which is read every `period_s` seconds; hours are numbered from 1970 on, as spans are. `first` is
    the oldest span that was ever added. `swings` are those within which the value went `swing` up or down, or more: for
    whoever looks at them closely, and takes them out.
    """

    period_s: float
    hours: dict[int, Hour] = field(default_factory=dict)
    first: int | None = None
    swing: float = math.inf
    swings: set[int] = field(default_factory=set)

    def add(self, span: FiveMinutes) -> None:
        self.first = span.number if self.first is None else min(self.first, span.number)
        self.hours.setdefault(span.number // SPANS_AN_HOUR, Hour()).add(span)
        if span.greatest is not None and span.least is not None and span.greatest - span.least >= self.swing:
            self.swings.add(span.number)

    def forget(self, now_hour: int) -> None:
        for hour in [hour for hour in self.hours if not now_hour - HOURS_KEPT < hour <= now_hour]:
            del self.hours[hour]
        for number, kept in self.hours.items():
            if number <= now_hour - 24 and kept.deviations:
                kept.deviations = array("f")

    def last(self, count: int, now_hour: int) -> Iterator[Hour]:
        """The newest `count` hours, the present one included."""
        return (hour for number, hour in self.hours.items() if now_hour - count < number <= now_hour)

    @property
    def expected_share(self) -> float:
        """Of the spans: a sensor that is read less often than every five minutes cannot fill each."""
        return min(1.0, SPAN_S / self.period_s)


class Statistics(NamedTuple):
    """Of the usable values of some hours; `deviation` (of a sample) is None for fewer than two, `least` for none.

    `coverage` is the share of the expected spans that have a usable value.
    """

    deviation: float | None
    least: float | None
    coverage: float


def statistics(history: History, hours: int, now_hour: int) -> Statistics:
    """Over the newest `hours`. The present hour is not over yet, so that coverage is a little low at its start."""
    seen = list(history.last(hours, now_hour))
    count = sum(hour.usable for hour in seen)
    spans = sum(hour.usable_spans.bit_count() for hour in seen)
    coverage = min(1.0, spans / (hours * SPANS_AN_HOUR * history.expected_share))
    if not count:
        return Statistics(None, None, coverage)
    return Statistics(_deviation(seen, count), min(hour.least for hour in seen), coverage)


def _deviation(seen: Iterable[Hour], count: int) -> float | None:
    if count < 2:
        return None
    total, squares = 0.0, 0.0
    for hour in seen:
        total += hour.total
        squares += hour.squares
    return math.sqrt(max(0.0, squares - total * total / count) / (count - 1))
