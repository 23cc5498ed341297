"""A moving window: number, mean, standard deviation and range of what was measured in it.

It costs the same for each reading, however long the window. Only values inside the sensor's span come in here, so that
one wild value cannot poison a mean; and nothing is ever taken out of a sum: the buckets are added up anew.
"""

from array import array
from collections.abc import Sequence
from math import inf, sqrt
from typing import NamedTuple

from agent.checks.learner import Learner, State

_BUCKETS = 96
_FIELDS, _SUMS = 6, 5

_made = tuple.__new__
"""A named tuple of all its fields in order: its own constructor, which gives them names, takes twice as long."""


class Statistics(NamedTuple):
    """Of so many readings: mean, sum of squared deviations, least and greatest."""

    readings: float = 0.0
    mean: float = 0.0
    m2: float = 0.0
    least: float = inf
    greatest: float = -inf

    @property
    def deviation(self) -> float:
        """Population standard deviation; 0.0 for none."""
        return sqrt(self.m2 / self.readings) if self.readings else 0.0

    def with_value(self, value: float) -> "Statistics":
        return merged(self, (1.0, value, 0.0, value, value))


_NOTHING = Statistics()


class Baseline(Learner):
    """The values of the last `window_s` seconds.

    Kept in 96 buckets of boot time, added up by Chan's formula and once in a window anew: the window is exact to one
    bucket, nothing drifts, and a 1 Hz day needs 9 KiB instead of 700. The buckets are those of the clock and not of
    the first reading, so that the stored readings make the same ones again.
    """

    __slots__ = (
        "_bucket_s", "_buckets", "_closed", "_count", "_end_s", "_expires_s", "_greatest", "_least", "_m2", "_mean",
        "_newer", "_older", "_start_s", "_turn", "_window_s",
    )  # fmt: skip

    def __init__(self, window_s: float = 86_400.0) -> None:
        self._window_s = window_s
        self._bucket_s = window_s / _BUCKETS
        self._buckets = array("d")  # of each closed bucket, oldest first: its first reading's time, then `Statistics`
        self._turn: float | None = None
        self._older = array("d")  # sums of closed buckets: of the newest alone, of it and the one before, …
        self._newer = self._closed = _NOTHING
        self._end_s = -inf
        self._expires_s = inf
        self._empty()

    def _empty(self) -> None:
        self._start_s: float | None = None  # of the open bucket: its first reading
        self._count = self._mean = self._m2 = 0.0
        self._least, self._greatest = inf, -inf

    def state(self) -> State:
        """Without the sums, which come to the same from the buckets; the first `summed` of those are in `_older`."""
        return {
            "buckets": self._buckets.tolist(), "summed": len(self._older) // _SUMS, "turn": self._turn,
            "open": [self._start_s, self._count, self._mean, self._m2, self._least, self._greatest],
        }  # fmt: skip

    def restore(self, state: State) -> None:
        buckets, summed = array("d", state["buckets"]), _FIELDS * state["summed"]
        start_s, *sums = state["open"]
        count, mean, m2, least, greatest = map(float, sums)
        if len(buckets) % _FIELDS or not 0 <= summed <= len(buckets):
            raise ValueError(f"{len(buckets)} numbers are no buckets of which {state['summed']} are summed")
        self._older = array("d")
        self._buckets = buckets[:summed]
        self._add_up()
        self._buckets = buckets
        for n in range(summed, len(buckets), _FIELDS):
            self._newer = merged(self._newer, buckets[n + 1 : n + _FIELDS])
        self._turn = None if state["turn"] is None else float(state["turn"])
        self._start_s = None if start_s is None else float(start_s)
        self._count, self._mean, self._m2, self._least, self._greatest = count, mean, m2, least, greatest
        self._end_s = -inf if self._start_s is None else (self._start_s // self._bucket_s + 1) * self._bucket_s
        self._know_oldest()

    @property
    def memory_s(self) -> float:
        """How far back readings are needed to make it again."""
        return self._window_s + self._bucket_s

    def add(self, at_s: float, value: float) -> None:
        if at_s >= self._end_s:
            self._begin_bucket(at_s)
        self._count += 1
        delta = value - self._mean
        self._mean += delta / self._count
        self._m2 += delta * (value - self._mean)
        if value < self._least:
            self._least = value
        if value > self._greatest:
            self._greatest = value

    def _begin_bucket(self, at_s: float) -> None:
        if self._start_s is not None:
            bucket = (self._count, self._mean, self._m2, self._least, self._greatest)
            self._buckets.extend((self._start_s, *bucket))
            self._newer = merged(self._newer, bucket)
        self._empty()
        self._start_s = at_s
        self._end_s = (at_s // self._bucket_s + 1) * self._bucket_s
        if at_s // self._window_s != self._turn:
            self._turn = at_s // self._window_s
            self._add_up()
        self._forget(at_s)

    def _add_up(self) -> None:
        """Sum up from the newest closed bucket to the oldest, which will leave with its sum.

        Once in a window, by the clock, so that the stored readings come to the same.
        """
        del self._older[:]
        self._newer = total = _NOTHING
        buckets = self._buckets
        for n in range(len(buckets) - _FIELDS, -1, -_FIELDS):
            total = merged(total, buckets[n + 1 : n + _FIELDS])
            self._older.extend(total)

    def _forget(self, at_s: float) -> None:
        """Drop the buckets that began before the window."""
        oldest_s = at_s - self._window_s
        buckets, older = self._buckets, self._older
        while buckets and buckets[0] <= oldest_s:
            del buckets[:_FIELDS]
            if older:
                del older[-_SUMS:]
            else:
                self._add_up()
        if self._start_s is not None and self._start_s <= oldest_s:
            self._empty()
            self._end_s = -inf
        self._know_oldest()

    def _know_oldest(self) -> None:
        older, buckets = self._older, self._buckets
        self._closed = merged(Statistics(*older[-_SUMS:]), self._newer)
        oldest = buckets[0] if buckets else self._start_s
        self._expires_s = inf if oldest is None else oldest + self._window_s

    def span_s(self, at_s: float) -> float:
        """From the oldest reading of the window to `at_s`, in seconds."""
        if at_s >= self._expires_s:
            self._forget(at_s)
        oldest_s = self._buckets[0] if self._buckets else self._start_s
        return 0.0 if oldest_s is None else at_s - oldest_s

    def statistics(self, at_s: float) -> Statistics:
        """Of the window that ends with `at_s`."""
        if at_s >= self._expires_s:
            self._forget(at_s)
        return merged(self._closed, (self._count, self._mean, self._m2, self._least, self._greatest))


def merged(a: Statistics, b: Sequence[float]) -> Statistics:
    """Two sets together, the second as the fields of its statistics (Chan, Golub & LeVeque 1979)."""
    count_a, mean_a, m2_a, least_a, greatest_a = a
    count_b, mean_b, m2_b, least_b, greatest_b = b
    if not count_b:
        return a  # as it is: rounding would make a constant series move
    if not count_a:
        return _made(Statistics, b)
    count, delta = count_a + count_b, mean_b - mean_a
    share = delta * count_b / count
    return _made(
        Statistics,
        (
            count,
            mean_a + share,
            m2_a + m2_b + delta * share * count_a,
            least_a if least_a < least_b else least_b,
            greatest_a if greatest_a > greatest_b else greatest_b,
        ),
    )
