"""An alarm that comes and goes: three times within a minute (the measure of alarm management tools, Hexagon's among
them). It tells nobody anything any more, and drowns what does; so it is shelved for a while, with a notice.
"""

from collections import deque
from typing import Final

from agent.domain.alarm import Priority

_RAISINGS, _WITHIN_S = 3, 60.0

SHELF_S: Final = {Priority.CRITICAL: 60.0, Priority.WARNING: 600.0, Priority.ADVISORY: 600.0}
"""Our choice: a dense tank has five minutes, so what is critical is silent for one at most."""

REASON: Final = f"chattering: raised {_RAISINGS} times within a minute"


class Chatter:
    """Of one alarm. `hidden` counts its raisings while it is shelved for chattering; None: it is not."""

    __slots__ = ("_raised_s", "hidden")

    def __init__(self) -> None:
        self._raised_s: deque[float] = deque(maxlen=_RAISINGS)
        self.hidden: int | None = None

    def begins(self, at_s: float) -> bool:
        """It was raised: was that once too often?"""
        self._raised_s.append(at_s)
        return len(self._raised_s) == _RAISINGS and at_s - self._raised_s[0] <= _WITHIN_S

    def ends(self) -> str | None:
        """The shelf is over: what it has hidden, if it was for this."""
        hidden, self.hidden = self.hidden, None
        self._raised_s.clear()
        return None if hidden is None else f"chattered: raised {hidden} times more while it was shelved"
