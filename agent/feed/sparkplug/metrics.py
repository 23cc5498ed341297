"""What is told of a sensor and of an alarm, as metrics."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from agent.domain.alarm import Alarm, AlarmChange, Standing
from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.domain.quality import USABLE
from agent.domain.reading import CheckedReading, valid_value
from agent.feed.sparkplug.payload import DataType, Metric

_NEVER_READ: Final = "not read yet"


class Quality(IntEnum):
    """The codes that Sparkplug knows, and no others (tck-id-payloads-propertyset-quality-value-value)."""

    BAD = 0
    GOOD = 192
    STALE = 500


def reading_metric(checked: CheckedReading) -> Metric:
    """A failed or missing reading has no number, so that nobody who overlooks its quality gets one."""
    value = valid_value(checked)
    good = value is not None and checked.quality >= USABLE
    quality = Quality.GOOD if good else Quality.BAD
    return _of(checked.reading.sensor, ms(checked.reading.at), value, quality, checked.because)


def unread_metric(sensor: Sensor, now: Instant) -> Metric:
    """A birth has to name every metric, though some sensors have not been read yet."""
    return _of(sensor, ms(now), None, Quality.STALE, _NEVER_READ)


def _of(sensor: Sensor, at_ms: int, value: float | None, quality: Quality, because: str | None) -> Metric:
    properties = {"Quality": int(quality), "because": because, "engUnit": sensor.quantity.unit}
    return Metric(f"{sensor.probe}/{sensor.channel}", at_ms, DataType.DOUBLE, value, properties)


def alarm_metrics(alarm: Alarm, standing: Standing, change: AlarmChange | None, now: Instant) -> Iterator[Metric]:
    """Where an alarm stands; `change` led to it, None if nothing ever happened to it."""
    name = f"Alarms/{str(alarm).partition('/')[2]}"
    at_ms = ms(change.at if change else now)
    yield Metric(f"{name}/active", at_ms, DataType.BOOLEAN, standing.active, {"priority": alarm.priority.value})
    yield Metric(f"{name}/state", at_ms, DataType.STRING, standing.state.value)
    yield Metric(f"{name}/message", at_ms, DataType.STRING, change.message if change else None)


def ms(at: Instant) -> int:
    """Milliseconds since 1970 in UTC, as good as the wall clock was; one that shows an earlier time shows 1970."""
    return max(0, at.utc_us // 1000)
