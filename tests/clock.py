"""A clock that only moves when a test, or somebody's sleep, moves it."""

import asyncio

from agent.domain.clock import Instant


class FakeClock:
    """Implements `agent.domain.clock.Clock`; a sleep moves it on at once and gives the others a turn.

    `utc_us` is what the wall clock shows, `trusted` whether it is believed; `true_us` is what it ought to show.
    """

    def __init__(self, utc_us: int = 1_750_000_000_000_000, boot_s: float = 1000.0, trusted: bool = True) -> None:
        self.utc_us = self.true_us = utc_us
        self.boot = boot_s
        self.boots = 1
        self.trusted = trusted

    @property
    def boot_id(self) -> str:
        return f"00000000-0000-4000-8000-{self.boots:012}"

    def now(self) -> Instant:
        return Instant(self.utc_us, self.boot, self.boot_id, self.trusted)

    def boot_s(self) -> float:
        return self.boot

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Let time pass; a machine that is suspended meanwhile counts it too."""
        self.boot += seconds
        self.utc_us += round(seconds * 1e6)
        self.true_us += round(seconds * 1e6)

    def step(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.utc_us += round(seconds * 1e6)

    def synchronise(self) -> None:
        """A time server sets the wall clock right."""
        self.utc_us, self.trusted = self.true_us, True

    def reboot(self, utc_us: int, off_s: float = 60.0, boot_s: float = 5.0) -> None:
        """The machine was off for `off_s`; `boot_s` after it started again its clock shows `utc_us`, unsynchronised."""
        self.true_us += round((off_s + boot_s) * 1e6)
        self.boots += 1
        self.boot, self.utc_us, self.trusted = boot_s, utc_us, False
