"""Anomaly: a value further off than this sensor's values ever are, or the same one for longer than ever.

The detector that is on by default, for any probe at any interval: what is usual is learnt from the sensor itself, for
its readings and for its means of a quarter hour, where a fall shows that no two readings tell. It follows the water
(see `usual_change`), so it finds no slow drift: a pair of probes does (`pair_drift`).

It says that the reading is unusual, not that the probe is wrong: the reading stays usable. Where nothing was written
down before a restart it learns the stored day again; what it knew of earlier days is gone then, so that limits may
differ a little for a while.
"""

from dataclasses import dataclass
from math import inf

from agent.checks.check import GOOD, NOT_EVALUATED, Check, Point, Surroundings
from agent.checks.usual_change import UsualChange
from agent.domain.quality import UNUSUAL_WATER
from agent.domain.reading import Flag, Verdict

_DAY_S = 86_400.0
_QUARTER_S = 900.0
_LEAST_IN_A_QUARTER = 3
_LONGEST_SILENCE_S = 3600.0  # the gap test's example in the QARTOD manuals
_FEW_MOVES = 50  # ours: a probe that seldom moves is not known to be stuck
_LEAST_REPEATS = 4  # with the first value REP_CNT_FAIL of the QARTOD manuals, 5
_FORGET_S = 14 * _DAY_S  # how long a probe is usually still changes with the weather


@dataclass(frozen=True, slots=True)
class Limits:
    """A jump counts from `least` (canonical units) or from `least_share` of the value on, whichever is more: what the
    probe is accurate to. Standing still counts after `still_s` seconds, and after twice the longest time known. A jump
    that stays for `learn_after_s` seconds is the new level.
    """

    least: float = 0.0
    least_share: float = 0.0
    still_s: float = 5400.0
    learn_after_s: float = 7200.0

    def __post_init__(self) -> None:
        if not (self.least >= 0 and 0 <= self.least_share < 1 and self.still_s > 0 and self.learn_after_s > 0):
            raise ValueError("needs least >= 0, 0 <= least_share < 1, still_s > 0 and learn_after_s > 0")


class Anomaly(Check):
    """NOT_EVALUATED for the first readings and right after a silence of more than an hour."""

    remembers = True
    outlasts = True
    learnt = (
        "_readings", "_quarters", "_quarter_end_s", "_sum", "_count", "_in_sequence", "_slow", "_last_s", "_last",
        "_since_s", "_repeats", "_moves", "_longest_s",
    )  # fmt: skip
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._silence_s = max(_LONGEST_SILENCE_S, 4 * surroundings.period_s)
        self._readings = UsualChange(limits.least, limits.least_share)
        self._quarters = UsualChange(limits.least, limits.least_share)
        self._quarter_end_s = 0.0
        self._sum, self._count = 0.0, 0
        self._in_sequence = False
        self._slow = ""
        self._last_s, self._last = -inf, 0.0
        self._since_s, self._repeats, self._moves, self._longest_s = 0.0, 0, 0, 0.0

    @property
    def memory_s(self) -> float:
        return _DAY_S

    def judge(self, point: Point) -> Verdict:
        at_s, value = point.at_s, point.value
        usual = self._readings
        if at_s - self._last_s > self._silence_s or usual.enough == inf:
            return NOT_EVALUATED
        if abs(value - usual.median) > usual.enough:
            return _unusual(_jump(value, usual, "the readings before it"))
        if value == self._last and at_s - self._since_s > self.limits.still_s and self._is_stuck(at_s):
            still_min, longest_min = (at_s - self._since_s) / 60, self._longest_s / 60
            return _unusual(f"has not moved for {still_min:.0f} min, the longest before was {longest_min:.0f} min")
        return _unusual(self._slow) if self._slow else GOOD

    def _is_stuck(self, at_s: float) -> bool:
        known = self._moves > _FEW_MOVES and self._repeats >= _LEAST_REPEATS
        return known and at_s - self._since_s > 2 * self._longest_s

    def learn(self, at_s: float, value: float, quality: float) -> None:
        elapsed_s = at_s - self._last_s
        self._last_s = at_s
        if elapsed_s > self._silence_s:
            self._begin_anew(at_s, value)
            return
        usual = self._readings
        if value == self._last:
            self._repeats += 1
        else:
            self._moved(at_s, elapsed_s, value)
        if at_s >= self._quarter_end_s:
            self._close_quarter(at_s)
        far = abs(value - usual.median) > usual.enough
        if not far:
            self._sum += value
            self._count += 1
        # a line that stands still teaches nothing of how the water moves
        learns = far or self._repeats < 2 * _LEAST_REPEATS
        if learns and usual.learn(at_s, elapsed_s, value, self.limits.learn_after_s):
            self._begin_quarters(at_s)

    def _begin_anew(self, at_s: float, value: float) -> None:
        self._readings.restart(value)
        self._last, self._since_s, self._repeats = value, at_s, 0
        self._begin_quarters(at_s)

    def _begin_quarters(self, at_s: float) -> None:
        self._quarter_end_s = (at_s // _QUARTER_S + 1) * _QUARTER_S
        self._sum, self._count, self._slow = 0.0, 0, ""
        self._in_sequence = False

    def _moved(self, at_s: float, elapsed_s: float, value: float) -> None:
        stood_s = at_s - elapsed_s - self._since_s
        longest_s = self._longest_s * max(0.0, 1 - elapsed_s / _FORGET_S)
        # at most half as long again: one dead afternoon must not make the next one usual
        self._longest_s = max(longest_s, min(stood_s, max(1.5 * longest_s, self.limits.still_s)))
        self._last, self._since_s, self._repeats = value, at_s, 0
        self._moves += 1

    def _close_quarter(self, at_s: float) -> None:
        count, usual = self._count, self._quarters
        self._slow = ""
        if count >= _LEAST_IN_A_QUARTER:
            mean = self._sum / count
            if not self._in_sequence:
                self._in_sequence = True
                usual.restart(mean)
            if abs(mean - usual.median) > usual.enough:
                self._slow = "its mean of a quarter hour, " + _jump(mean, usual, "those before it")
            if self._repeats < count:
                usual.learn(at_s, _QUARTER_S, mean, self.limits.learn_after_s)
        self._quarter_end_s = (at_s // _QUARTER_S + 1) * _QUARTER_S
        self._sum, self._count = 0.0, 0


def _unusual(because: str) -> Verdict:
    return Verdict(Flag.SUSPECT, because, UNUSUAL_WATER)


def _jump(value: float, usual: UsualChange, before: str) -> str:
    side = "above" if value > usual.median else "below"
    away = abs(value - usual.median)
    return f"{value:.4g} is {away:.3g} {side} {before}, and 99 of 100 changes are below {usual.tail:.2g}"
