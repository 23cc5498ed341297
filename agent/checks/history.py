"""What the checks remember of one sensor: the last points, how long it stands still, and its usual day.

Everything is kept by boot time in seconds and costs the same for each reading, however long the window. Only values
inside the sensor's span come in here, so that one wild value cannot poison a mean.
"""

from array import array
from collections import deque
from math import inf, sqrt

USABLE_QUALITY = 0.7
"""From this quality score on a reading counts in statistics (specification)."""

_BUCKET_S = 300.0


class Still:
    """Since when all values have stayed within `tolerance` of each other.

    After a movement the run begins anew with the newest value, so a run is never longer than told. So it does after
    more than `longest_gap_s` without a value: nobody knows what happened meanwhile.
    """

    __slots__ = ("_high", "_last_s", "_longest_gap_s", "_low", "_since_s", "_tolerance")

    def __init__(self, tolerance: float, longest_gap_s: float = inf) -> None:
        self._tolerance = tolerance
        self._longest_gap_s = longest_gap_s
        self._low = self._high = self._last_s = 0.0
        self._since_s: float | None = None

    def since_with(self, at_s: float, value: float) -> float | None:
        """When the run that `value` would continue began, in boot seconds; None if `value` does not continue it."""
        if max(self._high, value) - min(self._low, value) > self._tolerance:
            return None
        return None if at_s - self._last_s > self._longest_gap_s else self._since_s

    def add(self, at_s: float, value: float) -> None:
        if self.since_with(at_s, value) is None:
            self._low = self._high = value
            self._since_s = at_s
        elif value < self._low:
            self._low = value
        elif value > self._high:
            self._high = value
        self._last_s = at_s


class Baseline:
    """Number, mean and standard deviation of the readings of the last `window_s` seconds.

    Kept in buckets of five minutes, merged by Chan's formula whenever one is full or leaves: the window is exact to
    one bucket, nothing drifts, and a 1 Hz day needs 9 KiB instead of 700.
    """

    __slots__ = ("_buckets", "_closed", "_count", "_expires_s", "_m2", "_mean", "_start_s", "_window_s")

    def __init__(self, window_s: float = 86_400.0) -> None:
        self._window_s = window_s
        self._buckets = array("d")  # start, count, mean, m2 of each closed bucket, oldest first
        self._closed = (0.0, 0.0, 0.0)
        self._start_s: float | None = None
        self._count = self._mean = self._m2 = 0.0
        self._expires_s = inf

    def add(self, at_s: float, value: float) -> None:
        if self._start_s is None or at_s - self._start_s >= _BUCKET_S:
            self._begin_bucket(at_s)
        self._count += 1
        delta = value - self._mean
        self._mean += delta / self._count
        self._m2 += delta * (value - self._mean)

    def add_bucket(self, start_s: float, count: int, mean: float, m2: float) -> None:
        """Take in a bucket that was computed elsewhere (from the ring buffer); before any `add`, oldest first."""
        self._buckets.extend((start_s, count, mean, m2))
        self._closed = merged(self._closed, (count, mean, m2))
        self._expires_s = self._buckets[0] + self._window_s

    def _begin_bucket(self, at_s: float) -> None:
        if self._start_s is not None:
            self._buckets.extend((self._start_s, self._count, self._mean, self._m2))
        self._start_s, self._count, self._mean, self._m2 = at_s, 0.0, 0.0, 0.0
        self._forget(at_s)

    def _forget(self, at_s: float) -> None:
        """Drop the buckets that began before the window, and merge the others anew."""
        oldest_s = at_s - self._window_s
        buckets = self._buckets
        while buckets and buckets[0] < oldest_s:
            del buckets[:4]
        if self._start_s is not None and self._start_s < oldest_s - _BUCKET_S:
            self._start_s = None
            self._count = self._mean = self._m2 = 0.0
        closed = (0.0, 0.0, 0.0)
        for n in range(0, len(buckets), 4):
            closed = merged(closed, (buckets[n + 1], buckets[n + 2], buckets[n + 3]))
        self._closed = closed
        if buckets:
            self._expires_s = buckets[0] + self._window_s
        else:
            self._expires_s = inf if self._start_s is None else self._start_s + self._window_s + _BUCKET_S

    def span_s(self, at_s: float) -> float:
        """From the oldest reading of the window to `at_s`, in seconds."""
        if at_s > self._expires_s:
            self._forget(at_s)
        oldest_s = self._buckets[0] if self._buckets else self._start_s
        return 0.0 if oldest_s is None else at_s - oldest_s

    def statistics(self, at_s: float) -> tuple[int, float, float]:
        """Number of readings, mean, and population standard deviation (0.0 for none), as of `at_s`."""
        if at_s > self._expires_s:
            self._forget(at_s)
        count, mean, m2 = merged(self._closed, (self._count, self._mean, self._m2))
        return int(count), mean, sqrt(m2 / count) if count else 0.0


def merged(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float, float]:
    """(count, mean, sum of squared deviations) of two sets together (Chan, Golub & LeVeque 1979)."""
    if not a[0] or not b[0]:
        return a if a[0] else b  # as it is: rounding would make a constant series move
    count = a[0] + b[0]
    delta = b[1] - a[1]
    return count, a[1] + delta * b[0] / count, a[2] + b[2] + delta * delta * a[0] * b[0] / count


class History:
    """The memory of one sensor; `points` are its newest (boot seconds, value), newest last."""

    __slots__ = ("baseline", "points", "still")

    def __init__(
        self, still_tolerance: float = 0.0, still_gap_s: float = inf, baseline_window_s: float = 86_400.0
    ) -> None:
        self.points: deque[tuple[float, float]] = deque(maxlen=3)
        self.still = Still(still_tolerance, still_gap_s)
        self.baseline = Baseline(baseline_window_s)

    def add(self, at_s: float, value: float, quality: float) -> None:
        self.points.append((at_s, value))
        self.still.add(at_s, value)
        if quality >= USABLE_QUALITY:
            self.baseline.add(at_s, value)
