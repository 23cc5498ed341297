"""Alarms: what is watched, and what was seen to change."""

from dataclasses import dataclass
from enum import Enum

from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.domain.reading import Flag


class AlarmKind(Enum):
    """Which condition raises the alarm."""

    LOW = "low"
    CRITICAL_LOW = "critical_low"
    HIGH = "high"
    CRITICAL_HIGH = "critical_high"
    NO_VALID_DATA = "no_valid_data"


LOW_KINDS = (AlarmKind.LOW, AlarmKind.CRITICAL_LOW)


class Priority(Enum):
    """How fast a person has to act."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, eq=False)
class Alarm:
    """One alarm of one sensor, as configured.

    `limit` and `deadband` are in the sensor's canonical unit (`limit` is None for "no valid data"). The alarm is
    raised when the condition has held for `on_delay_s`, and cleared when the value has been back by at least
    `deadband` for `off_delay_s`; both by boot clock.
    """

    sensor: Sensor
    kind: AlarmKind
    priority: Priority
    limit: float | None
    deadband: float
    on_delay_s: float
    off_delay_s: float

    def __str__(self) -> str:
        return f"{self.sensor}/{self.kind.value}"


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm was raised (`active`) or cleared.

    `seq` grows with every change of any alarm; `occurrence` counts how often this alarm was raised. `raised` is when
    this occurrence was raised, as `<boot id>/<boot time in ms>`: with the alarm it names the occurrence for good, even
    should the count begin anew with a new ring buffer.
    """

    seq: int
    alarm: Alarm
    active: bool
    occurrence: int
    raised: str
    at: Instant
    value: float | None
    flag: Flag
    message: str
