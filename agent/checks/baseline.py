"""The usual day of one sensor: number, mean and standard deviation of a moving window.

It costs the same for each reading, however long the window. Only values inside the sensor's span come in here, so that
one wild value cannot poison a mean; and nothing is ever taken out of a sum: the buckets are added up anew.
"""

from array import array
from math import inf, sqrt

BUCKET_S = 300.0


class Baseline:
    """Number, mean and standard deviation of the readings of the last `window_s` seconds.

    Kept in buckets of five minutes of boot time, merged by Chan's formula whenever one is full or leaves: the window is
    exact to one bucket, nothing drifts, and a 1 Hz day needs 9 KiB instead of 700. The buckets are those of the clock
    and not of the first reading, so that the stored readings make the same ones again.
    """

    __slots__ = ("_buckets", "_closed", "_count", "_end_s", "_expires_s", "_m2", "_mean", "_start_s", "_window_s")

    def __init__(self, window_s: float = 86_400.0) -> None:
        self._window_s = window_s
        self._buckets = array("d")  # start, count, mean, m2 of each closed bucket, oldest first
        self._closed = (0.0, 0.0, 0.0)
        self._start_s: float | None = None  # of the open bucket: its first reading
        self._end_s = -inf
        self._count = self._mean = self._m2 = 0.0
        self._expires_s = inf

    def add(self, at_s: float, value: float) -> None:
        if at_s >= self._end_s:
            self._begin_bucket(at_s)
        self._count += 1
        delta = value - self._mean
        self._mean += delta / self._count
        self._m2 += delta * (value - self._mean)

    def _begin_bucket(self, at_s: float) -> None:
        if self._start_s is not None:
            self._buckets.extend((self._start_s, self._count, self._mean, self._m2))
        self._start_s, self._count, self._mean, self._m2 = at_s, 0.0, 0.0, 0.0
        self._end_s = (at_s // BUCKET_S + 1) * BUCKET_S
        self._forget(at_s)

    def _forget(self, at_s: float) -> None:
        """Drop the buckets that began before the window, and merge the others anew."""
        oldest_s = at_s - self._window_s
        buckets = self._buckets
        while buckets and buckets[0] < oldest_s:
            del buckets[:4]
        if self._start_s is not None and self._start_s < oldest_s - BUCKET_S:
            self._start_s, self._end_s = None, -inf
            self._count = self._mean = self._m2 = 0.0
        closed = (0.0, 0.0, 0.0)
        for n in range(0, len(buckets), 4):
            closed = merged(closed, (buckets[n + 1], buckets[n + 2], buckets[n + 3]))
        self._closed = closed
        if buckets:
            self._expires_s = buckets[0] + self._window_s
        else:
            self._expires_s = inf if self._start_s is None else self._start_s + self._window_s + BUCKET_S

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
