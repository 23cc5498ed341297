"""An event loop whose time jumps to the next timer as soon as nobody has anything to do: hours of silence cost nothing.

Only what happens inside the process may be waited for; a byte on a real port would come after its own timeout.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from agent.domain.clock import Instant

T = TypeVar("T")


class _Jump(selectors.DefaultSelector):
    """Instead of waiting, passes the time."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None:
            self.passed_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.passed_s


class LoopClock:
    """Implements `agent.domain.clock.Clock` by the running loop's time."""

    def now(self) -> Instant:
        return Instant(round(self.boot_s() * 1e6), self.boot_s(), "virtual", trusted=True)

    def boot_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0001))  # as on a real machine, however short it was to be


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
