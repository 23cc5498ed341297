"""Gross range (QARTOD test 4): what the sensor cannot measure fails, what this water should not be is suspect.

The limits themselves pass. A value outside the sensor's span is not a measurement at all, so it fails and is kept
out of every statistic. (The pH manual's own example has USER_MIN and USER_MAX swapped: such limits are refused.)
"""

from dataclasses import dataclass

from agent.checks.check import GOOD, Check, Point
from agent.domain.farm import Span
from agent.domain.quality import DOUBTFUL_PROBE, NO_MEASUREMENT
from agent.domain.reading import Flag, Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """`sensor`: the measuring range of the probe; `user`: what is believable in this water. Canonical units."""

    sensor: Span | None = None
    user: Span | None = None

    def __post_init__(self) -> None:
        for name, span in (("sensor", self.sensor), ("user", self.user)):
            if span is not None and not span.low < span.high:
                raise ValueError(f"{name} needs low below high, got {span.low:g} and {span.high:g}")


class GrossRange(Check):
    """GOOD, SUSPECT or FAIL; GOOD where no limit is set."""

    limits: Limits

    def judge(self, point: Point) -> Verdict:
        value, sensor, user = point.value, self.limits.sensor, self.limits.user
        if sensor is not None and not sensor.low <= value <= sensor.high:
            because = f"{value:g} is outside what the sensor can measure ({sensor.low:g} to {sensor.high:g})"
            return Verdict(Flag.FAIL, because, NO_MEASUREMENT)
        if user is not None and not user.low <= value <= user.high:
            because = f"{value:g} is outside what this water should show ({user.low:g} to {user.high:g})"
            return Verdict(Flag.SUSPECT, because, DOUBTFUL_PROBE)
        return GOOD
