"""Time that a bench lets pass: as fast as the work in it gets done, or as it really passes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from agent.clock import SystemClock
from agent.domain.clock import Instant

_SO_MANY_TURNS = 10
"""Of the event loop: what a thread has finished has given it more work by then."""
_SO_MANY_ROUNDS = 8
"""In which nobody fell asleep or woke: then nobody is at work any more. A commit and what follows it are four calls."""


class SimulatedTime:
    """Implements `agent.domain.clock.Clock`."""

    def __init__(self) -> None:
        self._boot_s = 1000.0
        self._sleepers: dict[asyncio.Future[None], float] = {}

    def now(self) -> Instant:
        utc_us = 1_795_435_200_000_000 + round(self._boot_s * 1e6)
        return Instant(utc_us, self._boot_s, "00000000-0000-4000-8000-000000000001", True)

    def boot_s(self) -> float:
        return self._boot_s

    async def sleep(self, seconds: float) -> None:
        until = self._boot_s + seconds
        if until <= self._boot_s:
            await asyncio.sleep(0)
            return
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers[waking] = until
        try:
            await waking
        finally:
            del self._sleepers[waking]

    def leap(self, seconds: float) -> None:
        """Where nobody sleeps."""
        self._boot_s += seconds

    async def go_on(self, seconds: float, work_done: Callable[[], Awaitable[None]]) -> None:
        """Wake whoever slept until then, and return when all that comes of it is done; `work_done` returns when what
        was given to other threads is.
        """
        self._boot_s += seconds
        for waking, until in self._sleepers.items():
            if until <= self._boot_s and not waking.done():
                waking.set_result(None)
        quiet, before = 0, list[asyncio.Future[None]]()
        while quiet < _SO_MANY_ROUNDS:
            await work_done()
            for _ in range(_SO_MANY_TURNS):
                await asyncio.sleep(0)
            now = list(self._sleepers)
            quiet, before = quiet + 1 if now == before else 0, now


class RealTime(SystemClock):
    """The real clock, trusted whether a time server has set it or not, with a bench that keeps to it."""

    def __init__(self) -> None:
        super().__init__()
        self._due_s: float | None = None

    def now(self) -> Instant:
        return replace(super().now(), trusted=True)

    async def go_on(self, seconds: float, work_done: Callable[[], Awaitable[None]]) -> None:
        """Until so long after the last time; `work_done` has the time it takes."""
        self._due_s = (self.boot_s() if self._due_s is None else self._due_s) + seconds
        await self.sleep(max(0.0, self._due_s - self.boot_s()))
