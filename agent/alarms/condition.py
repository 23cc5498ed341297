"""Whether there is reason for an alarm: a raw condition, held for a while.

True when the raw condition has held for the on-delay, False when its opposite has for the off-delay. Whatever says
nothing about the condition freezes it and its delays: no data never clears an alarm. That there is no data is an alarm
of its own.
"""

from collections.abc import Callable
from typing import Final

from agent.alarms.dawn import Dawn
from agent.alarms.falling import Falling
from agent.domain.alarm import LOW_KINDS, TREND_KINDS, Alarm, AlarmKind
from agent.domain.reading import CheckedReading, Flag, valid_value


def condition(alarm: Alarm) -> "Condition | Falling | Dawn":
    """What decides whether there is reason for this alarm."""
    if alarm.kind is AlarmKind.DAWN_MINIMUM:
        return Dawn(alarm)
    return Falling(alarm) if alarm.kind in TREND_KINDS else Condition(alarm)


class Condition:
    """The raw condition of an alarm of a reading: is it for or against the alarm?"""

    __slots__ = ("_alarm", "_sign", "_wrong")
    because: None = None

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm
        self._sign = 1.0 if alarm.kind in LOW_KINDS else -1.0
        self._wrong = _suspected(alarm.check) if alarm.check is not None else _SENSOR.get(alarm.kind)

    def turns(self, checked: CheckedReading, active: bool, temperature: float | None = None) -> bool | None:
        """Whether this reading speaks for the other state than `active`; None: it says nothing. `temperature` is the
        water's, for a limit that depends on it.
        """
        if self._wrong is not None:
            wrong = self._wrong(checked)
            return None if wrong is None else wrong != active
        value = valid_value(checked)
        if value is None:
            return None
        bound = self._sign * (self._alarm.limit_at(temperature) or 0.0)
        if active:
            return self._sign * value >= bound + self._alarm.deadband
        return self._sign * value < bound


def _silent(checked: CheckedReading) -> bool | None:
    """Nothing comes. A value that is none neither raises this alarm nor ends it: it is the failed sensor's matter."""
    return None if checked.flag is Flag.FAIL else checked.reading.value is None


def _failed(checked: CheckedReading) -> bool | None:
    """The probe answers, but no water is like that. Silence says nothing about it."""
    return None if checked.reading.value is None else checked.flag is Flag.FAIL


_SENSOR: Final = {AlarmKind.NO_VALID_DATA: _silent, AlarmKind.SENSOR_FAILED: _failed}
_SAYS: Final = {str(Flag.GOOD.value): False, str(Flag.SUSPECT.value): True, str(Flag.FAIL.value): True}


def _suspected(place: int) -> Callable[[CheckedReading], bool | None]:
    """What the check at that place says; a check that could not judge says nothing."""
    return lambda checked: _SAYS.get(checked.tests[place : place + 1])


class Delay:
    """Lets a turn pass when it has been wanted for long enough; the time without a word counts for neither side."""

    __slots__ = ("_frozen_s", "_pending_s")

    def __init__(self) -> None:
        self._pending_s: float | None = None
        self._frozen_s: float | None = None

    def passes(self, turns: bool | None, at_s: float, delay_s: float) -> bool:
        """`turns` as `Condition.turns` says it; True when it has been so for `delay_s`. Begins anew then."""
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
