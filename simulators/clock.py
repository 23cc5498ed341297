"""Simulated time: the farm's own seconds since its start, running faster than the real ones if wanted."""

import time
from collections.abc import Callable


class Clock:
    """Real and simulated seconds since the clock was made; both start at 0.

    `speed` is simulated seconds a real second; with 0 the water stands still until `skip`. The water, and how fast a
    probe follows it, live in simulated time; wires, devices' electronics and scheduled faults in real time.
    """

    def __init__(self, speed: float = 1.0, now: Callable[[], float] = time.monotonic) -> None:
        self.speed = speed
        self._now = now
        self._start = now()
        self._skipped = 0.0

    @property
    def real_s(self) -> float:
        return self._now() - self._start

    @property
    def simulated_s(self) -> float:
        return self.real_s * self.speed + self._skipped

    @property
    def device_s(self) -> float:
        """Time as a device's electronics sees it: real, and whatever was skipped."""
        return self.real_s + self._skipped

    def skip(self, simulated_s: float) -> None:
        """Move the water's time ahead at once; scheduled faults go by real time and stay."""
        self._skipped += simulated_s
