"""Report by exception: which reading differs enough from what was told last."""

from agent.domain.reading import CheckedReading
from agent.feed.settings import MqttSettings


def is_news(checked: CheckedReading, reported: CheckedReading | None, settings: MqttSettings) -> bool:
    """Whether it has another flag, or a value that left the deadband, and the last word is old enough."""
    if reported is None:
        return True
    new, old = checked.reading, reported.reading
    if new.at.boot_id == old.at.boot_id and new.at.boot_s - old.at.boot_s < settings.readings_every_s:
        return False
    if checked.flag is not reported.flag or new.value is None or old.value is None:
        return checked.flag is not reported.flag or new.value is not old.value
    return abs(new.value - old.value) > settings.readings_deadband.get(new.sensor.quantity.sensor_type, 0.0)
