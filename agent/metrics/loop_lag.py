"""How late the event loop wakes who sleeps: what blocks it delays every bus."""

from agent.domain.clock import Clock
from agent.metrics.worst import Worst

_EVERY_S = 1.0


class LoopLag:
    """Sleeps and looks at the clock; `worst` is in seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.worst = Worst()

    async def run(self) -> None:
        """Ends by cancellation."""
        began_s = self._clock.boot_s()
        while True:
            await self._clock.sleep(_EVERY_S)
            now_s = self._clock.boot_s()
            self.worst.note(now_s, max(0.0, now_s - began_s - _EVERY_S))
            began_s = now_s
