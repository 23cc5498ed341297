"""What one probe's device is told of another probe's values: only what is good and fresh."""

from collections.abc import Mapping

from agent.domain.clock import Clock
from agent.domain.farm import Compensation, Sensor
from agent.domain.quality import USABLE
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Missing
from drivers.interfaces import Source

Latest = Mapping[Sensor, CheckedReading]


def sources(compensations: tuple[Compensation, ...], latest: Latest, clock: Clock) -> dict[Quantity, Source]:
    """By quantity; `latest` holds the newest reading of every sensor, and is looked at whenever a source is asked."""
    return {one.sensor.quantity: _source(one, latest, clock) for one in compensations}


def _source(compensation: Compensation, latest: Latest, clock: Clock) -> Source:
    sensor = compensation.sensor

    def newest() -> float | Missing:
        checked = latest.get(sensor)
        if checked is None:
            return Missing(f"{sensor} was not read yet")
        reading = checked.reading
        if reading.value is None or checked.quality < USABLE:
            return Missing(f"{sensor} has no good value: {checked.because}")
        age_s = clock.boot_s() - reading.at.boot_s
        if age_s > compensation.max_age_s:
            return Missing(f"the value of {sensor} is {age_s:.0f} s old")
        return reading.value

    return newest
