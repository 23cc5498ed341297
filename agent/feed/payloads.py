"""What else is said on MQTT, as JSON: the gateway's status and health, the ring buffer's state, readings."""

from dataclasses import asdict
from typing import Any

from agent.alarm_messages import compact, iso, iso_or_none
from agent.domain.gateway_health import GatewayHealth
from agent.domain.reading import CheckedReading


def online_json(since_us: int, now_us: int, valid_until_us: int | None, heartbeat_s: float) -> str:
    """One heartbeat, and when to expect the next: not to be believed after `valid_until`, null if nobody knows the
    time.
    """
    return compact(
        {
            "state": "online",
            "since": iso(since_us),
            "time": iso(now_us),
            "valid_until": iso_or_none(valid_until_us),
            "heartbeat_s": heartbeat_s,
        }
    )


def offline_json() -> str:
    """Left with the broker beforehand, so it cannot say since when."""
    return compact({"state": "offline"})


def store_json(state: str, because: str | None) -> str:
    """The ring buffer's state: ok, salvaging a damaged file, or failing to store."""
    return compact({"state": state} | ({"because": because} if because else {}))


def reading_json(checked: CheckedReading) -> str:
    """A checked reading, in the sensor's canonical unit; no value is null, with the reason in `because`."""
    reading = checked.reading
    sensor = reading.sensor
    return compact(
        {
            "tank": sensor.tank.name,
            "probe": sensor.probe,
            "sensor": sensor.channel,
            "sensor_id": str(sensor.sensor_id),
            "sensor_type": sensor.quantity.sensor_type,
            "unit": sensor.quantity.unit,
            "value": reading.value,
            "flag": checked.flag.value,
            "quality": checked.quality,
            "because": checked.because,
            "time": iso(reading.at.utc_us),
            "clock_trusted": reading.at.trusted,
        }
    )


def health_json(health: GatewayHealth) -> str:
    """How the gateway is: null wherever the machine cannot tell."""
    told: dict[str, Any] = asdict(health)
    at = told.pop("at")
    return compact({"time": iso(at["utc_us"]), "clock_trusted": at["trusted"], **told})
