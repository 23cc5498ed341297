"""The last lane: checked readings, reported by exception.

A sensor has one place in the queue, with its newest reading: when the broker is slow, older ones give way.
"""

from collections.abc import Iterable

from agent.domain.farm import Sensor
from agent.domain.reading import CheckedReading
from agent.feed.lanes import Message
from agent.feed.payloads import reading_json
from agent.feed.settings import MqttSettings


class Readings:
    """Not retained: the last value of a dead gateway must not look alive."""

    def __init__(self, base: str, settings: MqttSettings) -> None:
        self._base = base
        self._settings = settings
        self._reported: dict[Sensor, CheckedReading] = {}
        self._due: dict[Sensor, CheckedReading] = {}
        self._sending: CheckedReading | None = None

    def tell(self, readings: Iterable[CheckedReading]) -> None:
        if self._settings.readings_every_s == 0:
            return
        for checked in readings:
            sensor = checked.reading.sensor
            if sensor in self._due or self._is_news(checked, self._reported.get(sensor)):
                self._due[sensor] = checked

    def _is_news(self, checked: CheckedReading, reported: CheckedReading | None) -> bool:
        if reported is None:
            return True
        new, old = checked.reading, reported.reading
        age_s = new.at.boot_s - old.at.boot_s
        if age_s >= self._settings.readings_at_least_s or new.at.boot_id != old.at.boot_id:
            return True
        if age_s < self._settings.readings_every_s:
            return False
        if checked.flag is not reported.flag or new.value is None or old.value is None:
            return checked.flag is not reported.flag or new.value is not old.value
        return abs(new.value - old.value) > self._settings.readings_deadband.get(new.sensor.quantity.sensor_type, 0.0)

    def first(self) -> Message | None:
        checked = self._sending = next(iter(self._due.values()), None)
        if checked is None:
            return None
        return Message(f"{self._base}/reading/{checked.reading.sensor}", reading_json(checked))

    def sent(self) -> None:
        sent = self._sending
        if sent is None:
            return
        sensor = sent.reading.sensor
        self._reported[sensor] = sent
        if self._due.get(sensor) is sent:
            del self._due[sensor]
        else:  # a newer one came meanwhile: behind the other sensors
            self._due[sensor] = self._due.pop(sensor)

    def reconnected(self) -> None:
        """What was told while nobody listened is told again when it is time."""
