"""The checks: one pure function and its limits a file; a reading gets the worst flag and the lowest quality.

To add a check, write `agent/checks/<name>.py` with a frozen `Limits` and
`judge(value, at_s, history, limits) -> Verdict`, and add its line here.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from agent.checks import flat_line, gross_range, rate_of_change, spike, z_score
from agent.checks.history import History
from agent.domain.reading import Flag, Verdict


class Check(NamedTuple):
    """A check: the type of its limits, and the function that judges one value by them."""

    limits: type[Any]
    judge: Callable[[float, float, History, Any], Verdict]


CHECKS: dict[str, Check] = {
    "gross_range": Check(gross_range.Limits, gross_range.judge),
    "spike": Check(spike.Limits, spike.judge),
    "rate_of_change": Check(rate_of_change.Limits, rate_of_change.judge),
    "flat_line": Check(flat_line.Limits, flat_line.judge),
    "z_score": Check(z_score.Limits, z_score.judge),
}
"""In the order in which their digits stand in a reading's `tests`: a new one goes last, since stored readings stay."""

_WORST_FIRST = (Flag.FAIL, Flag.SUSPECT, Flag.GOOD, Flag.NOT_EVALUATED)


def worst(flags: Iterable[Flag]) -> Flag:
    """One flag for many: FAIL over SUSPECT over GOOD over NOT_EVALUATED; an explicit order, not the number.

    GOOD beats NOT_EVALUATED, since a reading that passed one test was evaluated. NOT_EVALUATED for none.
    """
    seen = set(flags)
    return next((flag for flag in _WORST_FIRST if flag in seen), Flag.NOT_EVALUATED)
