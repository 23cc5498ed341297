"""What the house needs to know of time; `agent.clock` has the real one, tests bring their own."""

from dataclasses import dataclass
from typing import Protocol

SOFTWARE_BEGAN_US = 1_767_225_600_000_000
"""2026-01-01 in UTC microseconds: no reading of this software was taken before, whatever a clock says."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks.

    `utc_us` is wall time in microseconds since 1970-01-01 UTC, as good as the wall clock was; `trusted` says
    whether it can be believed: the clock was synchronised then, or (`corrected`) was so later in the same boot, and the
    time was set right by that. `boot_s` counts seconds since the machine started, suspended time included, and never
    steps; it is comparable only within one `boot_id`.
    """

    utc_us: int
    boot_s: float
    boot_id: str
    trusted: bool
    corrected: bool = False

    @property
    def boot_ms(self) -> int:
        """Boot time in whole milliseconds, as it is stored."""
        return round(self.boot_s * 1000)


class Clock(Protocol):
    """Time, injected everywhere."""

    def now(self) -> Instant: ...

    def boot_s(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class DoubtingClock(Clock, Protocol):
    """A clock that does not believe everything."""

    def not_before(self, utc_us: int) -> None:
        """Something was stored at that wall time: one before it is not to be believed lightly."""
