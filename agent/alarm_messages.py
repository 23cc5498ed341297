"""What is said about an alarm: a sentence for a person, JSON for a program."""

import json
from datetime import UTC, datetime
from typing import Any

from agent.domain.alarm import LOW_KINDS, Alarm, AlarmChange, AlarmKind
from agent.domain.reading import CheckedReading


def sentence(alarm: Alarm, active: bool, checked: CheckedReading) -> str:
    """Where, what, which limit; for the farm's technician."""
    sensor = alarm.sensor
    what = f"{sensor.tank.name}: {sensor.quantity.sensor_type}"
    if alarm.kind is AlarmKind.NO_VALID_DATA:
        if active:
            return f"{what} of {sensor.probe} gives no valid data: {checked.because}"
        return f"{what} of {sensor.probe} is back"
    side = "below" if alarm.kind in LOW_KINDS else "above"
    unit = sensor.quantity.unit
    value = f"{checked.reading.value:.2f}" + ("" if unit == sensor.quantity.sensor_type else f" {unit}")
    if active:
        return f"{what} {value} is {side} {alarm.limit:g} ({alarm.priority.value}, {sensor.probe})"
    return f"{what} {value} is no longer {side} {alarm.limit:g} ({sensor.probe})"


def state_json(alarm: Alarm, active: bool, occurrence: int, change: AlarmChange | None) -> str:
    """The retained state of one alarm; `change` is what led to it, None if it was never raised."""
    return _json({**_alarm(alarm), "active": active, "occurrence": occurrence, **(_change(change) if change else {})})


def event_json(change: AlarmChange) -> str:
    """One change of one alarm; `seq` grows with every change, so a consumer can tell a repeat."""
    return _json({**_alarm(change.alarm), "active": change.active, "occurrence": change.occurrence, **_change(change)})


def status_json(state: str, since_us: int | None = None) -> str:
    """The gateway's own state: online or offline."""
    return _json({"state": state} | ({"since": iso(since_us)} if since_us is not None else {}))


def store_json(state: str, because: str | None) -> str:
    """The ring buffer's state: ok, salvaging a damaged file, or failing to store."""
    return _json({"state": state} | ({"because": because} if because else {}))


def iso(utc_us: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(utc_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _alarm(alarm: Alarm) -> dict[str, Any]:
    sensor = alarm.sensor
    return {
        "tank": sensor.tank.name,
        "probe": sensor.probe,
        "sensor": sensor.channel,
        "sensor_id": str(sensor.sensor_id),
        "kind": alarm.kind.value,
        "priority": alarm.priority.value,
        "limit": alarm.limit,
        "unit": sensor.quantity.unit,
    }


def _change(change: AlarmChange) -> dict[str, Any]:
    return {
        "seq": change.seq,
        "time": iso(change.at.utc_us),
        "clock_trusted": change.at.trusted,
        "value": change.value,
        "flag": change.flag.value,
        "message": change.message,
    }


def _json(body: dict[str, Any]) -> str:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # Half a character, as a garbled reply can bring into a reason, becomes \udcxx: right in JSON too, and sendable. An
    # alarm that cannot be sent would hold up all that come after it.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
