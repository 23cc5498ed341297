"""Time that a bench lets pass: as fast as the work in it gets done, or as it really passes."""

import asyncio

from agent.clock import SystemClock
from agent.domain.clock import Instant

_SO_MANY_TURNS = 10
"""Of the event loop, in which nobody has woken: then nobody will."""


class SimulatedTime:
    """Implements `agent.domain.clock.Clock`; beside the bench, `sleepers` tasks sleep on it when all is done."""

    def __init__(self, sleepers: int) -> None:
        self._boot_s = 1000.0
        self._sleepers: dict[asyncio.Future[None], float] = {}
        self._expected = sleepers
        self._one_more = asyncio.Event()

    def now(self) -> Instant:
        utc_us = 1_795_435_200_000_000 + round(self._boot_s * 1e6)
        return Instant(utc_us, self._boot_s, "00000000-0000-4000-8000-000000000001", True)

    def boot_s(self) -> float:
        return self._boot_s

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers[waking] = self._boot_s + seconds
        self._one_more.set()
        try:
            await waking
        finally:
            del self._sleepers[waking]

    def leap(self, seconds: float) -> None:
        """Where nobody sleeps."""
        self._boot_s += seconds

    async def go_on(self, seconds: float) -> None:
        """Wake whoever slept until then, and return when all of them sleep again."""
        self._boot_s += seconds
        for waking, until in self._sleepers.items():
            if until <= self._boot_s and not waking.done():
                waking.set_result(None)
        quiet = 0
        while quiet < _SO_MANY_TURNS:
            self._one_more.clear()
            if len(self._sleepers) < self._expected:
                await self._one_more.wait()
            await asyncio.sleep(0)
            asleep = len(self._sleepers) == self._expected and min(self._sleepers.values()) > self._boot_s
            quiet = quiet + 1 if asleep else 0


class RealTime(SystemClock):
    """The real clock, with a bench that keeps to it."""

    def __init__(self) -> None:
        super().__init__()
        self._due_s = self.boot_s()

    async def go_on(self, seconds: float) -> None:
        self._due_s += seconds
        await self.sleep(max(0.0, self._due_s - self.boot_s()))
