"""A clock that only moves when a test, or somebody's sleep, moves it."""

import asyncio

from agent.domain.clock import Instant


class FakeClock:
    """Implements `agent.domain.clock.Clock`; a sleep moves it on at once and gives the others a turn."""

    def __init__(self, utc_us: int = 1_750_000_000_000_000, boot_s: float = 1000.0, trusted: bool = True) -> None:
        self.utc_us = utc_us
        self.boot = boot_s
        self.boot_id = "00000000-0000-4000-8000-000000000001"
        self.trusted = trusted

    def now(self) -> Instant:
        return Instant(self.utc_us, self.boot, self.boot_id, self.trusted)

    def boot_s(self) -> float:
        return self.boot

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self.boot += seconds
        self.utc_us += round(seconds * 1e6)
