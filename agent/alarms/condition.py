"""Whether there is reason for an alarm: a raw condition, held for a while.

True when the raw condition has held for the on-delay, False when its opposite has for the off-delay. Whatever says
nothing about the condition freezes it and its delays: no data never clears an alarm. That there is no data is an alarm
of its own.
"""

from agent.domain.alarm import LOW_KINDS, Alarm, AlarmKind
from agent.domain.reading import CheckedReading, Flag


class Limit:
    """The raw condition of an alarm of a reading: is it for or against the alarm?"""

    __slots__ = ("_clears", "_no_data", "_raises")

    def __init__(self, alarm: Alarm) -> None:
        self._no_data = alarm.kind is AlarmKind.NO_VALID_DATA
        sign = 1.0 if alarm.kind in LOW_KINDS else -1.0
        limit = alarm.limit or 0.0
        self._raises = (sign, sign * limit)
        self._clears = (sign, sign * limit + alarm.deadband)

    def turns(self, checked: CheckedReading, active: bool) -> bool | None:
        """Whether this reading speaks for the other state than `active`; None: it says nothing."""
        value = valid_value(checked)
        if self._no_data:
            return (value is None) != active
        if value is None:
            return None
        if active:
            sign, bound = self._clears
            return sign * value >= bound
        sign, bound = self._raises
        return sign * value < bound


def valid_value(checked: CheckedReading) -> float | None:
    """The value, if it says anything about the water: there is one, and no check failed it."""
    return None if checked.flag is Flag.FAIL else checked.reading.value


class Delay:
    """Lets a turn pass when it has been wanted for long enough; the time without a word counts for neither side."""

    __slots__ = ("_frozen_s", "_pending_s")

    def __init__(self) -> None:
        self._pending_s: float | None = None
        self._frozen_s: float | None = None

    def passes(self, turns: bool | None, at_s: float, delay_s: float) -> bool:
        """`turns` as `Limit.turns` says it; True when it has been so for `delay_s`. Begins anew then."""
        if turns is None:
            if self._frozen_s is None:
                self._frozen_s = at_s
            return False
        frozen_s, self._frozen_s = self._frozen_s, None
        if not turns:
            self._pending_s = None
            return False
        if self._pending_s is None:
            self._pending_s = at_s
        elif frozen_s is not None:
            self._pending_s += at_s - frozen_s
        if at_s - self._pending_s < delay_s:
            return False
        self._pending_s = None
        return True
