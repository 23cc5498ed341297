"""The real clock: wall time for people, boot time for everything that measures a duration.

A Pi has no battery-backed clock: after a power cut it wakes in the past until the network tells it better. So every
instant carries both clocks and says whether the wall clock can be believed. CLOCK_BOOTTIME never steps and counts
suspended time; timers, rates and windows use it alone.

Between two steps wall time is boot time and a constant (the kernel disciplines both alike), and instants are made of
just these two: so what is stored, a boot time in milliseconds and the constant, gives back the very same wall time.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock

from agent.clock.trust import Trust, date
from agent.domain.clock import Instant

log = logging.getLogger(__name__)

Nanoseconds = Callable[[], int]

_BOOTTIME = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
_MOVED_NS = 5_000_000  # more than two readings of the clocks are apart, even on a busy machine, is a step
_STEP_WORTH_TELLING_US = 1_000_000
_LOOKED_EVERY_NS = 1_000_000_000
_BRACKETS = 5


class SystemClock:
    """Implements `agent.domain.clock.Clock` on Linux. `boot` and `wall` are the two clocks, in nanoseconds."""

    def __init__(
        self,
        trust: Trust | None = None,
        boot: Nanoseconds = _BOOTTIME,
        wall: Nanoseconds = time.time_ns,
    ) -> None:
        self._boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self._trust = trust or Trust()
        self._boot = boot
        self._wall = wall
        self._shown = self._measured_us(), False
        self._look_at_ns = 0
        self._looking = Lock()

    def now(self) -> Instant:
        """The present; `boot_s` is in whole milliseconds, and `utc_us` the same moment. For any thread."""
        boot_ns = self._boot()
        offset_us, trusted = self._shown
        if boot_ns >= self._look_at_ns or not -_MOVED_NS < self._wall() - boot_ns - 1000 * offset_us < _MOVED_NS:
            offset_us, trusted = self._look(boot_ns)
        boot_ms = boot_ns // 1_000_000
        return Instant(offset_us + 1000 * boot_ms, boot_ms / 1000, self._boot_id, trusted)

    def boot_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def not_before(self, utc_us: int) -> None:
        """No wall time before that one, at which something was stored, is to be believed lightly."""
        self._trust.not_before(utc_us)
        self._look_at_ns = 0

    def _look(self, boot_ns: int) -> tuple[int, bool]:
        """The offset and whether it is trusted, both anew; a thread that comes second finds the step noted already."""
        with self._looking:
            offset_us = self._measured_us()
            moved_us = offset_us - self._shown[0]
            if not (stepped := abs(1000 * moved_us) >= _MOVED_NS):
                offset_us = self._shown[0]
            now_us = offset_us + boot_ns // 1000
            if abs(moved_us) > _STEP_WORTH_TELLING_US:
                log.warning("The wall clock was set from %s to %s", date(now_us - moved_us), date(now_us))
            self._shown = offset_us, self._trust.judge(boot_ns / 1e9, now_us, stepped)
            self._look_at_ns = boot_ns + _LOOKED_EVERY_NS
            return self._shown

    def _measured_us(self) -> int:
        """Wall time at boot, from the reading that was interrupted least."""
        return min(self._bracketed_ns() for _ in range(_BRACKETS))[1] // 1000

    def _bracketed_ns(self) -> tuple[int, int]:
        """How long reading both clocks took, and how far they were apart."""
        before, wall, after = self._boot(), self._wall(), self._boot()
        return after - before, wall - (before + after) // 2
