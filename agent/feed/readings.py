"""The last lane: checked readings, reported by exception.

A sensor has one place in the queue, with its newest reading: when the broker is slow, older ones give way.
"""

from collections.abc import Iterable

from agent.domain.farm import Sensor
from agent.domain.reading import CheckedReading
from agent.feed.by_exception import is_news
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
        return reported is None or self._is_due(checked, reported) or is_news(checked, reported, self._settings)

    def _is_due(self, checked: CheckedReading, reported: CheckedReading) -> bool:
        new, old = checked.reading.at, reported.reading.at
        return new.boot_id != old.boot_id or new.boot_s - old.boot_s >= self._settings.readings_at_least_s

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
