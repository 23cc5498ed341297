"""How fast a probe follows a step: the time to nine tenths of it (t90).

A step is a change from one level to another: in a calibration from buffer to buffer, in a cleaning from water to air.
Water alone hardly makes one, so a probe shows how fast it is when somebody handles it; between, nobody can know. Where
the water does make steps, the probe is compared with itself in the same water.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from agent.domain.quantity import Quantity

LEAST_STEP: Final = {
    Quantity.TEMPERATURE: 2.0,
    Quantity.PH: 0.5,
    Quantity.DISSOLVED_OXYGEN: 1.0,
    Quantity.DISSOLVED_OXYGEN_SATURATION: 10.0,
    Quantity.SALINITY: 2.0,
    Quantity.CONDUCTIVITY: 2.0,
    Quantity.ORP: 50.0,
}
"""In canonical units, more than the water of a tank does within ten minutes. Ours."""

LONGEST_S: Final = 600.0
_LEVEL_S: Final = 60.0  # as long as a standard takes to be read: Yosemitech has a minute a buffer
_FEWEST: Final = 4  # readings a minute: one that is read less often cannot be timed
_SETTLES_S: Final = 300.0  # the last of it is slow
_OF_NOISE: Final = 8.0
_OF_STEP: Final = 0.1
_HALF_WITHIN: Final = 0.4  # of t90: of a first order lag it is 0.27, of a slope 0.5


def swing_of(quantity: Quantity) -> float:
    """From how much on a change within five minutes is worth a close look: half a step may lie in either of two."""
    return LEAST_STEP.get(quantity, float("inf")) / 2


class Step(NamedTuple):
    """`t90_s` counts from the last reading within a tenth of the old level, at `at_s`, to the first one within a tenth
    of the new: so what a hand takes before that costs nothing, and it is at least the time between two readings.
    """

    at_s: float
    change: float
    t90_s: float


def steps(course: Sequence[tuple[float, float]], least: float, noise: float) -> list[Step]:
    """Those of at least `least` in a course of seconds and values; `noise` as a standard deviation.

    Left out is one of which the levels before and after are not seen for a minute each, that takes longer than ten, on
    whose way readings are missing, or whose first half takes about as long as its second: that is a slope of the water.
    """
    levels = _levels(course, max(_OF_NOISE * noise, _OF_STEP * least))
    found = []
    for (_, onset), (begin, end) in pairwise(_stretches(levels)):
        settled = max(n for n in range(begin, end + 1) if course[n][0] - course[begin][0] <= _SETTLES_S)
        before, after = levels[onset], levels[settled]
        if before is None or after is None or abs(after - before) < least:
            continue
        way = [(at_s, (value - before) / (after - before)) for at_s, value in course[onset : settled + 1]]
        done = next((n for n, (_, share) in enumerate(way) if share >= 0.9), len(way) - 1)
        if done == 0:
            continue  # the old level ends with a value as far off as the step: that is noise
        left = max((n for n, (_, share) in enumerate(way[:done]) if share <= 0.1), default=0)
        apart_s = max(later - earlier for (earlier, _), (later, _) in pairwise(way[: done + 1]))
        half = next((n for n, (_, share) in enumerate(way) if n > left and share >= 0.5), done)
        t90_s, t50_s = way[done][0] - way[left][0], way[half][0] - way[left][0]
        is_sharp = t50_s <= _HALF_WITHIN * t90_s or half - left <= 2
        if is_sharp and t90_s <= LONGEST_S and apart_s <= _LEVEL_S / (_FEWEST - 1):
            found.append(Step(way[left][0], after - before, t90_s))
    return found


def _levels(course: Sequence[tuple[float, float]], tolerance: float) -> list[float | None]:
    """At each reading the level of the minute up to it; None if that moved by more than `tolerance`, or had too few."""
    levels: list[float | None] = []
    begin = 0
    for n, (at_s, _) in enumerate(course):
        while at_s - course[begin][0] > _LEVEL_S:
            begin += 1
        minute = [value for _, value in course[begin : n + 1]]
        is_seen = n + 1 - begin >= _FEWEST and begin > 0
        levels.append(median(minute) if is_seen and max(minute) - min(minute) <= tolerance else None)
    return levels


def _stretches(levels: Sequence[float | None]) -> list[tuple[int, int]]:
    """First and last reading of each stretch that has levels."""
    found: list[tuple[int, int]] = []
    for n, level in enumerate(levels):
        if level is not None and n and levels[n - 1] is not None and found:
            found[-1] = (found[-1][0], n)
        elif level is not None:
            found.append((n, n))
    return found
