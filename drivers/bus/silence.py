"""How long a line must stay silent before it may carry the next question.

A reply that comes after its timeout fits the next question as well as its own: nothing in a Modbus RTU frame or an
EZO line says which question it answers. The only protection is to ask nothing until it can no longer come.
"""

from agent.domain.clock import Clock
from agent.domain.errors import BusError

# A line that never falls silent carries somebody else's traffic; after this many quiet times we say so.
_PATIENCE = 10

# A sleep ends a little late, which between two frames at 115,200 baud is a twentieth of the time: end it early, and go
# the rest in small steps.
_LATE_S = 0.00015
_STEP_S = 1e-6


class Silence:
    """The silence one line owes. Bytes that arrive unasked prolong it by `quiet_s`, within reason.

    `disturbances` counts how often they did.
    """

    __slots__ = ("_clock", "_quiet_s", "_until", "_where", "disturbances")

    def __init__(self, clock: Clock, quiet_s: float, where: str) -> None:
        self._clock = clock
        self._quiet_s = quiet_s
        self._where = where
        self._until: float | None = None
        self.disturbances = 0

    def demand(self, seconds: float) -> None:
        """Ask nothing for at least `seconds` from now."""
        until = self._clock.boot_s() + seconds
        if self._until is None or until > self._until:
            self._until = until

    def disturbed(self) -> None:
        """Bytes came that nobody asked for: more may follow."""
        self.disturbances += 1
        self.demand(self._quiet_s)

    def owed(self) -> bool:
        """Whether `kept` has anything to wait for (a cheap question for the hot path)."""
        return self._until is not None

    async def kept(self) -> None:
        """Return once the line has been silent for long enough; BusError when it never falls silent."""
        if self._until is None:
            return
        give_up = max(self._until, self._clock.boot_s()) + _PATIENCE * self._quiet_s
        while (now := self._clock.boot_s()) < self._until:
            if now > give_up:
                raise BusError(
                    f"{self._where} never falls silent, though nobody is asked: a second master on the line, "
                    "or a probe in continuous mode?"
                )
            left_s = self._until - now
            await self._clock.sleep(left_s - _LATE_S if left_s > 2 * _LATE_S else _STEP_S)
        self._until = None
