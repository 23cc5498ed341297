"""Alarms: what is watched, where an alarm stands, and what was seen to change."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from agent.domain.clock import Instant
from agent.domain.farm import Equipment, Sensor
from agent.domain.reading import Flag
from agent.domain.sun import Place


class AlarmKind(Enum):
    """Which condition raises the alarm: the first of a sensor's readings, the others of equipment."""

    LOW = "low"
    CRITICAL_LOW = "critical_low"
    HIGH = "high"
    CRITICAL_HIGH = "critical_high"
    NO_VALID_DATA = "no_valid_data"
    SENSOR_FAILED = "sensor_failed"
    ANOMALY = "anomaly"
    PROBE_DRIFT = "probe_drift"
    RATE_OF_FALL = "rate_of_fall"
    FORECAST = "forecast"
    DAWN_MINIMUM = "dawn_minimum"
    BUS_DOWN = "bus_down"
    SINK_BLOCKED = "sink_blocked"
    STORE_SICK = "store_sick"
    CLOCK_UNKNOWN = "clock_unknown"
    DISK_LOW = "disk_low"
    TOO_HOT = "too_hot"
    NOTIFY_SILENT = "notify_silent"
    FEED_SILENT = "feed_silent"
    FEED_TEST = "feed_test"


TREND_KINDS = (AlarmKind.RATE_OF_FALL, AlarmKind.FORECAST)
LOW_KINDS = (AlarmKind.LOW, AlarmKind.CRITICAL_LOW)


class Priority(Enum):
    """How fast a person has to act: at once, soon, when there is time."""

    CRITICAL = "critical"
    WARNING = "warning"
    ADVISORY = "advisory"


class AlarmState(Enum):
    """The states of ISA-18.2 (A to I in its diagram).

    RETURNED is back to normal with nobody having acknowledged it; a LATCHED alarm waits for a reset. The last three are
    set aside: by a person for a while, by a rule of the farm for a while, or until somebody takes it back.
    """

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned_unacknowledged"
    LATCHED = "latched_unacknowledged"
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed_by_design"
    OUT_OF_SERVICE = "out_of_service"


SET_ASIDE = (AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE)


class Event(Enum):
    """What can happen to an alarm: the first two to its condition, the others by people, rules and time."""

    RAISED = "raised"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    REALARMED = "realarmed"
    RESET = "reset"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    REMOVED = "removed_from_service"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a person should know who is woken by an alarm: why it may be, what follows if nobody acts, what to do."""

    cause: str
    consequence: str
    response: str


@dataclass(frozen=True, slots=True, eq=False)
class Alarm:
    """One alarm of one sensor, or of a part of the gateway, as configured.

    `limit` and `deadband` are in the sensor's canonical unit (`limit` is None where the condition has none). The alarm
    is raised when the condition has held for `on_delay_s`, and cleared when the value has been back by at least
    `deadband` for `off_delay_s`; both by boot clock. One that `latches` stays until it is reset. An acknowledged one
    is raised again after `realarm_s` (None: never). One of the lowest priority may acknowledge itself when it clears.

    `by_temperature` holds pairs of °C, ascending, and the limit there; `limit` is then the strictest of them, which
    counts while nobody knows the temperature. `check` is the place, in a reading's `tests`, of the check that the alarm
    follows. The limit of a rate of fall is in the sensor's unit a minute; `within_s` is how far a forecast looks ahead;
    `place` is where the sun of a dawn minimum rises.
    """

    source: Sensor | Equipment
    kind: AlarmKind
    priority: Priority
    limit: float | None
    deadband: float
    on_delay_s: float
    off_delay_s: float
    latches: bool = False
    realarm_s: float | None = None
    acknowledges_itself: bool = False
    by_temperature: tuple[tuple[float, float], ...] = ()
    check: int | None = None
    advice: Advice | None = None
    within_s: float = 0.0
    place: Place | None = None

    def limit_at(self, temperature: float | None) -> float | None:
        """The limit in water of so many °C: between two points on the line, beyond the last one as there."""
        by_temperature = self.by_temperature
        return self.limit if temperature is None or not by_temperature else on_the_line(by_temperature, temperature)

    def __str__(self) -> str:
        return f"{self.source}/{self.kind.value}"


def on_the_line(points: Sequence[tuple[float, float]], temperature: float) -> float:
    """Between two of `points` (°C, ascending, and what counts there) on the line, beyond the last one as there."""
    for (cold, here), (warm, there) in pairwise(points):
        if cold <= temperature <= warm:
            return here + (there - here) * (temperature - cold) / (warm - cold)
    return points[0][1] if temperature < points[0][0] else points[-1][1]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one alarm stands; all of it survives a restart.

    `active`: the condition holds, whatever people did about it. `occurrence` counts how often it was raised, and
    `raised` is when it was last, as `<boot id>/<boot time in ms>`: with the alarm it names the occurrence for good,
    even should the count begin anew with a new ring buffer. `latched`: raised since the last reset, of an alarm that
    latches. `since_s` is when the state began and `until_s` when being set aside ends, both on the present boot clock.
    """

    state: AlarmState = AlarmState.NORMAL
    active: bool = False
    occurrence: int = 0
    raised: str = ""
    latched: bool = False
    since_s: float = 0.0
    until_s: float | None = None


BY_ITSELF = "gateway"
"""Who did it where no person did."""


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """Something happened to an alarm, which led to `standing`.

    `seq` grows with every change of any alarm. `value` and `flag` are those of the reading that made it change; None
    and NOT_EVALUATED where none did. `by` says who did it and `reason` why; both None where nobody did.
    """

    seq: int
    alarm: Alarm
    event: Event
    standing: Standing
    at: Instant
    value: float | None
    flag: Flag
    message: str
    by: str | None = None
    reason: str | None = None

    @property
    def until_us(self) -> int | None:
        """When being set aside ends, UTC microseconds."""
        until_s = self.standing.until_s
        return None if until_s is None else self.at.utc_us + round((until_s - self.at.boot_s) * 1e6)
