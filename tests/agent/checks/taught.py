"""A check that knows something already."""

from typing import Any

from agent.checks import CHECKS
from agent.checks.check import Check, Point, Surroundings
from agent.domain.reading import Verdict


def made(limits: Any, surroundings: Surroundings | None = None) -> Check:
    """The check that has limits of that type."""
    (kind,) = [kind for kind in CHECKS.values() if isinstance(limits, kind.limits)]
    return kind.check(limits, surroundings or Surroundings())


def taught(limits: Any, *values: float, every_s: float = 60.0) -> Check:
    """The same after good values, the last one at 0 s."""
    check = made(limits)
    for n, value in enumerate(values):
        check.learn((n + 1 - len(values)) * every_s, value, 1.0)
    return check


def judged(limits: Any, value: float, *before: float, at_s: float = 60.0, every_s: float = 60.0) -> Verdict:
    """What it says of a value at `at_s`."""
    return taught(limits, *before, every_s=every_s).judge(Point(at_s, value))
