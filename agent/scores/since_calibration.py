"""What a sensor was like after its calibration, and what it is like now."""

from dataclasses import dataclass, field
from statistics import median
from typing import Final

STEPS: Final = 3
"""The median of so many: one that went wrong does not count."""
DAY_US: Final = 86_400_000_000


@dataclass
class SinceCalibration:
    """`since_us` is the calibration (UTC microseconds), or when the sensor was first seen. `first` and `last` are t90
    in seconds of the first and the newest steps after it, `best` of those after an earlier one, with the same cap;
    `noise` is that of the first day. `upto_us`: so far its course was looked at.
    """

    since_us: int
    upto_us: int
    cap_us: int | None = None
    calibrated: bool = False
    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    best: float | None = None
    noise: float | None = None

    def __post_init__(self) -> None:
        """Raises TypeError: what comes out of a file may be anything."""
        numbers = (
            self.since_us,
            self.upto_us,
            self.cap_us or 0,
            *self.first,
            *self.last,
            self.best or 0,
            self.noise or 0,
        )
        if not all(isinstance(number, int | float) for number in numbers):
            raise TypeError("not all of it are numbers")

    def begin_anew(self, calibrated_us: int | None, cap_us: int | None) -> None:
        """If it was calibrated since. A sensor that was slow on that day is still measured by what it once was."""
        if calibrated_us is None or (self.calibrated and calibrated_us <= self.since_us):
            return
        self.best = self.response_then_s if cap_us == self.cap_us else None
        self.since_us, self.cap_us, self.calibrated = calibrated_us, cap_us, True
        self.first, self.last, self.noise = [], [], None

    def follows(self, at_us: int, t90_s: float) -> None:
        """Count a step that began then; one before the calibration, or that was counted, does not."""
        if at_us <= self.upto_us:
            return
        self.upto_us = at_us
        if at_us < self.since_us:
            return
        if len(self.first) < STEPS:
            self.first.append(t90_s)
        else:
            self.last = [*self.last, t90_s][-STEPS:]

    def is_noisy_by(self, noise: float | None, at_us: int) -> None:
        """Of the newest day: the first whole one is what others are compared with."""
        if self.noise is None and noise is not None and at_us >= self.since_us + DAY_US:
            self.noise = noise

    @property
    def response_then_s(self) -> float | None:
        """None before there are enough steps."""
        known = [
            one for one in (self.best, median(self.first) if len(self.first) == STEPS else None) if one is not None
        ]
        return min(known, default=None)

    @property
    def response_s(self) -> float | None:
        newest = (self.first + self.last)[-STEPS:]
        return median(newest) if len(newest) == STEPS else None
