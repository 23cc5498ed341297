"""The gateway's event loop keeps its timers to less than a millisecond."""

import asyncio
import os
import time

from agent.timers import PreciseSelector, precise_loop


def test_many_short_sleeps_take_no_longer_than_they_should() -> None:
    """epoll alone makes at least 2 ms of each. The shortest, since a busy machine may delay the others by any time."""

    async def slept() -> float:
        began = time.monotonic()
        await asyncio.sleep(0.0011)
        return time.monotonic() - began

    async def often() -> list[float]:
        return [await slept() for _ in range(101)]

    with asyncio.Runner(loop_factory=precise_loop) as runner:
        times = runner.run(often())
    assert 0.0011 <= min(times) < 0.0018


def test_news_end_the_wait() -> None:

    near, far = os.pipe()
    with PreciseSelector() as selector:
        selector.register(near, 1)
        assert selector.select(0.001) == []
        os.write(far, b"!")
        began = time.monotonic()
        assert [key.fd for key, _ in selector.select(60)] == [near]
        assert time.monotonic() - began < 30
    os.close(near)
    os.close(far)
