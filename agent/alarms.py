"""The alarm of one limit as a pure state machine, by boot time.

Raised when the condition has held for the on-delay, cleared when the value has been back by the deadband for the
off-delay. Missing and failed readings freeze a limit alarm and its timers: no data never clears an alarm. That there
is no data is an alarm of its own.
"""

from dataclasses import dataclass

from agent.domain.alarm import LOW_KINDS, Alarm, AlarmKind
from agent.domain.clock import Instant
from agent.domain.reading import CheckedReading, Flag


@dataclass(frozen=True, slots=True)
class Standing:
    """What survives a restart of one alarm: is it active, how often was it raised, and when last (`AlarmChange`)."""

    active: bool = False
    occurrence: int = 0
    raised: str = ""


class Watch:
    """Watches one alarm; `observe` takes every reading of its sensor."""

    __slots__ = ("_clears", "_frozen_s", "_pending_s", "_raises", "alarm", "standing")

    def __init__(self, alarm: Alarm, standing: Standing = Standing()) -> None:
        self.alarm = alarm
        self.standing = standing
        self._pending_s: float | None = None
        self._frozen_s: float | None = None
        if alarm.limit is not None:
            sign = 1.0 if alarm.kind in LOW_KINDS else -1.0
            self._raises = (sign, sign * alarm.limit)
            self._clears = (sign, sign * alarm.limit + alarm.deadband)

    def observe(self, checked: CheckedReading) -> bool:
        """Whether the alarm changed its state; `standing` then holds the new one."""
        active = self.standing.active
        turning = self._turns(checked, active)
        at_s = checked.reading.at.boot_s
        if turning is None:
            if self._frozen_s is None:
                self._frozen_s = at_s
            return False
        frozen_s, self._frozen_s = self._frozen_s, None
        if not turning:
            self._pending_s = None
            return False
        if self._pending_s is None:
            self._pending_s = at_s
        elif frozen_s is not None:
            self._pending_s += at_s - frozen_s  # the time without a word counts for neither side
        if at_s - self._pending_s < (self.alarm.off_delay_s if active else self.alarm.on_delay_s):
            return False
        self._pending_s = None
        self.standing = self._turned(checked.reading.at)
        return True

    def _turned(self, at: Instant) -> Standing:
        before = self.standing
        if before.active:
            return Standing(False, before.occurrence, before.raised)
        return Standing(True, before.occurrence + 1, f"{at.boot_id}/{at.boot_ms}")

    def _turns(self, checked: CheckedReading, active: bool) -> bool | None:
        """Whether this reading speaks for the other state; None: it says nothing."""
        value = valid_value(checked)
        if self.alarm.kind is AlarmKind.NO_VALID_DATA:
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
