"""How far the values of one sensor usually move, at one time scale.

Two numbers are learnt of the distance between a new value and the median of the three before it: its mean, and what
one distance in a hundred exceeds. Real water has heavy tails (rain, road salt, a pump that starts): a multiple of the
mean alone cries wolf in it, so a value is far only by both.

Nothing can poison them: either number moves by a bounded step, the mean as an exponential average of clipped distances
(Huber 1964), the tail as a quantile followed step by step (Robbins and Monro 1951), both over a day, or over all values
while there are few. Of values that are far without a break only the first is learnt, by the tail alone, and not if it
is ten limits off: what the water often does is usual, what a bus garbles is not. Nothing locks in either: values that
stay far for `learn_after_s` are the new level.
"""

from math import inf

from agent.checks.learner import Learner

_DAY_S = 86_400.0
_OF_THE_MEAN = 1.2533  # a standard deviation, if distances were those of a normal distribution: sqrt(pi / 2)
_CLIPPED_AT = 4.0  # means
_ONE_IN = 0.01
_DEVIATIONS, _TAILS = 10.0, 3.0  # ours; from 8 to 14 and 2 to 4 `make bench-anomalies` hardly notices
_WILD = 10.0  # limits; ours: beyond, it is garbage, not water
_FEW = 20  # values, before anything is called far


class UsualChange(Learner):
    """`median` of the last values, which a new one is compared with, and `enough`: at a greater distance it is far.

    `least` (canonical units) and `least_share` of the value are never far, however quiet the water is.
    """

    __slots__ = (
        "_before", "_count", "_digit", "_far_s", "_last", "_learning", "_least", "_least_share", "_mean", "_since_s",
        "enough", "median", "tail",
    )  # fmt: skip
    learnt = tuple(name for name in __slots__ if name not in ("_least", "_least_share"))

    def __init__(self, least: float, least_share: float) -> None:
        self._least = least
        self._least_share = least_share
        self._count = 0
        self._digit = inf  # the smallest distance ever seen: the probe's last digit
        self._mean = self.tail = self.median = 0.0
        self._before = self._last = 0.0
        self._since_s: float | None = None  # far without a break
        self._far_s = -inf  # the last far value
        self._learning = False
        self.enough = inf

    def restart(self, value: float) -> None:
        """Go on from `value`, since nobody knows what happened meanwhile; what is usual is kept."""
        self._before = self._last = self.median = value
        self._since_s = None

    def learn(self, at_s: float, elapsed_s: float, value: float, learn_after_s: float) -> bool:
        """Take in a value `elapsed_s` after the one before it; whether it is the new level, far as it is."""
        distance, days = abs(value - self.median), elapsed_s / _DAY_S
        if distance <= self.enough:
            self._since_s = None
            if self._learning and at_s - self._far_s > learn_after_s:
                self._learning = False
            a, b = self._before, self._last
            self._before, self._last = b, value
            low, high = (a, b) if a < b else (b, a)
            self.median = low if value < low else high if value > high else value
            self._take_in(distance, days)
            return False
        self._far_s = at_s
        if self._since_s is None:
            self._since_s = at_s
            if distance < _WILD * self.enough:
                self._follow_tail(distance, days)
        elif at_s - self._since_s >= learn_after_s:
            self.restart(value)
            self._learning = True
            return True
        elif self._learning:
            self._take_in(distance, days)
        return False

    def _take_in(self, distance: float, days: float) -> None:
        self._count = count = self._count + 1
        mean = self._mean
        least = max(self._least, self._least_share * abs(self.median))
        if 0.0 < distance < self._digit:
            self._digit = distance
        share = 1.0 / count
        if share < days:
            share = min(days, 0.05)
        near = distance
        if near > _CLIPPED_AT * mean:
            near = min(near, max(_CLIPPED_AT * mean, least / _DEVIATIONS, self._digit))
        self._mean = mean = mean + share * (near - mean)
        self._follow_tail(distance, days)
        if count > _FEW:
            self.enough = max(least, _DEVIATIONS * _OF_THE_MEAN * mean, _TAILS * self.tail)

    def _follow_tail(self, distance: float, days: float) -> None:
        step, slowest, tail = _FEW / (self._count + 1), 10.0 * days, self.tail
        if step < slowest:
            step = slowest
        if step > 0.1:
            step = 0.1
        tail *= 1.0 + step * (1.0 - _ONE_IN) if distance > tail else 1.0 - step * _ONE_IN
        least = 2.0 * self._mean
        self.tail = tail if tail > least else least
