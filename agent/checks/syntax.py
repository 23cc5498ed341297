"""Syntax (QARTOD test 2): bytes came from the probe, but they were no answer to the question.

The buses and drivers judge: a wrong checksum, unit, function or length, or text that is no number. What they refuse has
no value, so the reading is MISSING whatever this test says; its FAIL tells a bad line from a silent probe.
"""

from dataclasses import dataclass

from agent.checks.check import GOOD, Check, Point
from agent.domain.reading import Flag, Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """There is nothing to set."""


class Syntax(Check):
    """GOOD for every value, FAIL for a garbled answer, MISSING for none."""

    def judge(self, point: Point) -> Verdict:
        return GOOD

    def missing(self, garbled: bool) -> Flag:
        return Flag.FAIL if garbled else Flag.MISSING
