"""An event loop whose timers keep microseconds.

asyncio waits with epoll, whose time-outs are whole milliseconds, rounded up. On a serial line at 115,200 baud, where
two frames are 1.75 ms apart, that alone would take a tenth of the line's time.
"""

import asyncio
import select
import selectors

_SHORTEST_S = 20e-6  # as long as a wait of no length takes


class PreciseSelector(selectors.EpollSelector):
    """Waits in select(2) for the epoll itself to have news: its time-outs are in microseconds."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            if timeout > _SHORTEST_S:
                select.select([self.fileno()], [], [], timeout)
            timeout = 0
        return super().select(timeout)


def precise_loop() -> asyncio.AbstractEventLoop:
    """To be given to `asyncio.Runner` as `loop_factory`."""
    return asyncio.SelectorEventLoop(PreciseSelector())
