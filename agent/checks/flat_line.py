"""Flat line (QARTOD test 8): a probe that says the same for too long has stopped measuring.

The window is in time, not in points: a faster poll does not shorten it. After `fail_after_s` without a value it begins
anew, since nobody saw the probe stand still. Values within `tolerance` of each other count as the same; with 0 only an
exact repeat does.
"""

from dataclasses import dataclass

from agent.checks.history import History
from agent.domain.reading import Flag, Verdict

_GOOD = Verdict("flat_line", Flag.GOOD)


@dataclass(frozen=True, slots=True)
class Limits:
    """`tolerance` in canonical units; suspect after `suspect_after_s`, fail after `fail_after_s` seconds."""

    suspect_after_s: float
    fail_after_s: float
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.suspect_after_s <= self.fail_after_s and self.tolerance >= 0):
            raise ValueError("needs 0 < suspect_after_s <= fail_after_s and tolerance >= 0")


def judge(value: float, at_s: float, history: History, limits: Limits) -> Verdict:
    """The run that `value` would continue; GOOD for a first value."""
    since_s = history.still.since_with(at_s, value)
    if since_s is None or at_s - since_s < limits.suspect_after_s:
        return _GOOD
    still_s = at_s - since_s
    because = f"has not moved for {still_s / 60:.0f} min"
    if still_s >= limits.fail_after_s:
        return Verdict("flat_line", Flag.FAIL, because, 0.1)
    return Verdict("flat_line", Flag.SUSPECT, because, 0.5)
