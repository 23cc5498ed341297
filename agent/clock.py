"""The real clock: wall time for people, boot time for everything that measures a duration.

A Pi has no battery-backed clock: after a power cut it wakes in the past until the network tells it better. So every
instant carries both clocks and says whether the wall clock was synchronised. CLOCK_BOOTTIME never steps and counts
suspended time; timers, rates and windows use it alone.
"""

import asyncio
import ctypes
import time
from pathlib import Path

from agent.domain.clock import Instant

_TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")
_TIME_ERROR = 5  # adjtimex(2): the kernel's clock is not synchronised
_TRUST_LASTS_S = 10.0


class SystemClock:
    """Implements `agent.domain.clock.Clock` on Linux."""

    def __init__(self) -> None:
        self._boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self._trusted = False
        self._trust_until = 0.0

    def now(self) -> Instant:
        boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        if boot_s >= self._trust_until:
            self._trusted = wall_clock_is_synchronised()
            self._trust_until = boot_s + _TRUST_LASTS_S
        return Instant(time.time_ns() // 1000, boot_s, self._boot_id, self._trusted)

    def boot_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def wall_clock_is_synchronised() -> bool:
    """Whether systemd-timesyncd or the kernel (ntpd, or chrony with `rtcsync`) says that the wall clock is right."""
    if _TIMESYNCD_MARK.exists():
        return True
    timex = ctypes.create_string_buffer(512)  # larger than struct timex; all zero means "only ask"
    state: int = ctypes.CDLL(None).adjtimex(timex)
    return 0 <= state < _TIME_ERROR
