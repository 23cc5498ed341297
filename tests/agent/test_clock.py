"""The real clock's plain truths."""

import asyncio
import time
from uuid import UUID

from agent.clock import SystemClock, wall_clock_is_synchronised


async def test_boot_time_only_grows_and_sleeps_count() -> None:
    clock = SystemClock()
    seen = [clock.boot_s() for _ in range(1000)]
    assert seen == sorted(seen)
    await clock.sleep(0.01)
    assert clock.boot_s() >= seen[-1] + 0.009


async def test_an_instant_has_both_clocks_of_this_boot() -> None:
    clock = SystemClock()
    before_us, before_s = time.time_ns() // 1000, clock.boot_s()
    instant = clock.now()
    await asyncio.sleep(0)
    assert before_us <= instant.utc_us <= time.time_ns() // 1000
    assert before_s <= instant.boot_s <= clock.boot_s()
    assert UUID(instant.boot_id) == UUID(SystemClock().now().boot_id)


def test_the_wall_clock_is_trusted_or_not() -> None:
    assert isinstance(wall_clock_is_synchronised(), bool)
    assert SystemClock().now().trusted is wall_clock_is_synchronised()
