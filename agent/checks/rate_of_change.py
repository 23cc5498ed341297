"""Rate of change (QARTOD test 7), as a fixed rate per minute of boot time; it never fails a reading.

Fast water is often true water (a failed aerator), so a suspect rate leaves the reading usable for statistics and
never keeps an alarm from seeing the value.
"""

from dataclasses import dataclass

from agent.checks.history import History
from agent.domain.reading import Flag, Verdict

_GOOD = Verdict("rate_of_change", Flag.GOOD)
_NOT_EVALUATED = Verdict("rate_of_change", Flag.NOT_EVALUATED)


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest believable change in canonical units per minute. Over more than `longest_s` seconds without a value
    nothing can be said.
    """

    per_minute: float
    longest_s: float = 3600.0

    def __post_init__(self) -> None:
        if not (self.per_minute > 0 and self.longest_s > 0):
            raise ValueError("needs per_minute > 0 and longest_s > 0")


def judge(value: float, at_s: float, history: History, limits: Limits) -> Verdict:
    """NOT_EVALUATED for the first value, after a long silence, and for two values at one instant."""
    if not history.points:
        return _NOT_EVALUATED
    before_s, before = history.points[-1]
    elapsed_s = at_s - before_s
    if not 0 < elapsed_s <= limits.longest_s:
        return _NOT_EVALUATED
    per_minute = (value - before) * 60.0 / elapsed_s
    if abs(per_minute) <= limits.per_minute:
        return _GOOD
    because = f"changed by {per_minute:+.3g} a minute, believable are {limits.per_minute:g}"
    return Verdict("rate_of_change", Flag.SUSPECT, because, 0.75)
