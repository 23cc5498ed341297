"""How good a detector is: by event, by reading, and by how often it cries wolf.

An event is a run of labelled readings; runs less than an hour apart are one, and so are alarms. An event is found if an
alarm falls into it, or begins within an hour after it: a probe comes back to the water with a jump. An alarm run that
touches no event is false.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from tests.bench.anomalies.series import Series

_HOUR_S = 3600.0


@dataclass(slots=True)
class Score:
    """Sums over any number of series; `events` and `found` by what was wrong."""

    events: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    false_alarms: int = 0
    delays_s: list[float] = field(default_factory=list)
    true_readings: int = 0
    flagged: int = 0
    labelled: int = 0
    readings: int = 0
    days: float = 0.0
    seconds: float = 0.0

    def add(self, series: Series, flags: Sequence[bool], seconds: float = 0.0) -> None:
        """Count in one series; `flags[n]` is whether the detector said something of reading n."""
        events = _runs(series.at_s, [bool(label) for label in series.labels])
        alarms = _runs(series.at_s, flags)
        for first, last in events:
            kind = series.labels[first]
            self.events[kind] += 1
            start_s, end_s = series.at_s[first], series.at_s[last] + _HOUR_S
            said = [n for a, b in alarms if series.at_s[a] <= end_s and series.at_s[b] >= start_s for n in (a, b)]
            if said:
                self.found[kind] += 1
                at = next(n for n in range(first, len(flags)) if flags[n])
                self.delays_s.append(series.at_s[at] - start_s)
        self.false_alarms += sum(
            all(
                series.at_s[a] > series.at_s[last] + _HOUR_S or series.at_s[b] < series.at_s[first]
                for first, last in events
            )
            for a, b in alarms
        )
        self.true_readings += sum(1 for flag, label in zip(flags, series.labels, strict=True) if flag and label)
        self.flagged += sum(flags)
        self.labelled += sum(1 for label in series.labels if label)
        self.readings += len(flags)
        self.days += series.days
        self.seconds += seconds

    @property
    def by_event(self) -> tuple[float, float, float]:
        """Precision, recall and F1; precision is of events found to these and false alarms."""
        found = self.found.total()
        return _f1(found, found + self.false_alarms, self.events.total())

    @property
    def by_reading(self) -> tuple[float, float, float]:
        return _f1(self.true_readings, self.flagged, self.labelled)

    @property
    def false_alarms_a_day(self) -> float:
        """False alarms per sensor and day."""
        return self.false_alarms / self.days

    @property
    def delay_min(self) -> tuple[float, float]:
        """Median and 90th percentile of the minutes from an event's beginning to the first word about it."""
        if len(self.delays_s) < 2:
            return (self.delays_s[0] / 60,) * 2 if self.delays_s else (0.0, 0.0)
        return median(self.delays_s) / 60, quantiles(self.delays_s, n=10)[-1] / 60

    @property
    def us_a_reading(self) -> float:
        return 1e6 * self.seconds / self.readings


def _f1(true: int, said: int, wanted: int) -> tuple[float, float, float]:
    precision, recall = true / said if said else 0.0, true / wanted if wanted else 0.0
    return precision, recall, 2 * true / (said + wanted) if said + wanted else 0.0


def _runs(at_s: Sequence[float], marked: Sequence[bool]) -> list[tuple[int, int]]:
    """First and last index of every run of marked readings; less than an hour apart is one run."""
    runs: list[tuple[int, int]] = []
    for n, mark in enumerate(marked):
        if not mark:
            continue
        if runs and at_s[n] - at_s[runs[-1][1]] < _HOUR_S:
            runs[-1] = (runs[-1][0], n)
        else:
            runs.append((n, n))
    return runs
