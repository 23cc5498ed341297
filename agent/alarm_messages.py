"""What is said about an alarm: a sentence for a person, JSON for a program."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from agent.domain.alarm import LOW_KINDS, TREND_KINDS, Alarm, AlarmChange, AlarmKind, Event, Standing
from agent.domain.farm import Equipment, Sensor


def sentence(
    alarm: Alarm,
    event: Event,
    value: float | None,
    because: str | None,
    by: str | None = None,
    warmth: float | None = None,
) -> str:
    """Where, what, which limit (in water of so many °C), and who did what about it; for the farm's technician."""
    if event in (Event.RAISED, Event.CLEARED):
        return _condition(alarm, event is Event.RAISED, value, because) + _which_limit(alarm, warmth)
    told = f"{alarm.source}: {alarm.kind.value.replace('_', ' ')} {_DONE[event]}"
    told += f" by {by}" if by else ""
    return told + (f": {because}" if because else "")


_DONE = {
    Event.ACKNOWLEDGED: "acknowledged",
    Event.REALARMED: "acknowledged long ago and still there, raised again",
    Event.RESET: "reset",
    Event.SHELVED: "shelved",
    Event.SUPPRESSED: "suppressed",
    Event.REMOVED: "taken out of service",
    Event.RESTORED: "watched again",
}


def _condition(alarm: Alarm, raised: bool, value: float | None, because: str | None) -> str:
    source = alarm.source
    if isinstance(source, Equipment):
        return f"{source}: {because}"
    what = f"{source.tank.name}: {source.quantity.sensor_type}"
    if alarm.kind in _OF_A_PROBE:
        wrong, well = _OF_A_PROBE[alarm.kind]
        return f"{what} of {source.probe} " + (f"{wrong}: {because}" if raised else well)
    if alarm.kind in TREND_KINDS and not raised:
        return f"{what} {_shown(source, value)} has stopped falling ({source.probe})"
    if alarm.kind in TREND_KINDS:
        return f"{what} {_shown(source, value)} {because} ({alarm.priority.value}, {source.probe})"
    if alarm.kind is AlarmKind.DAWN_MINIMUM:
        foreseen = because if raised else f"is no longer foreseen to be below {alarm.limit:g} at sunrise"
        return f"{what} {_shown(source, value)} {foreseen} ({alarm.priority.value}, {source.probe})"
    side = "below" if alarm.kind in LOW_KINDS else "above"
    shown = _shown(source, value)
    if raised:
        return f"{what} {shown} is {side} {alarm.limit:g} ({alarm.priority.value}, {source.probe})"
    return f"{what} {shown} is no longer {side} {alarm.limit:g} ({source.probe})"


_OF_A_PROBE = {
    AlarmKind.NO_VALID_DATA: ("gives no valid data", "is back"),
    AlarmKind.SENSOR_FAILED: ("has failed, the water is not known", "measures again"),
    AlarmKind.ANOMALY: ("is unusual", "is as usual again"),
    AlarmKind.PROBE_DRIFT: ("may drift", "agrees again"),
}


def _shown(sensor: Sensor, value: float | None) -> str:
    unit = sensor.quantity.unit
    shown = "a missing value" if value is None else f"{value:.2f}"
    return shown + ("" if unit == sensor.quantity.sensor_type else f" {unit}")


def _which_limit(alarm: Alarm, warmth: float | None) -> str:
    if not alarm.by_temperature:
        return ""
    return ", the strictest limit: no temperature is known" if warmth is None else f", the limit at {warmth:.1f} °C"


def state(alarm: Alarm, standing: Standing, change: AlarmChange | None) -> dict[str, Any]:
    """Where one alarm stands and what to do, JSON-ready; `change` led to it, None if nothing ever happened to it."""
    told = {**_alarm(alarm), **_standing(standing), **(_change(change) if change else {})}
    return told | (asdict(alarm.advice) if alarm.advice else {})


def state_json(alarm: Alarm, standing: Standing, change: AlarmChange | None, valid_until_us: int | None) -> str:
    """`state` as it is retained on MQTT: not to be believed after `valid_until`, null if nobody knows the time."""
    return compact({**state(alarm, standing, change), "valid_until": iso_or_none(valid_until_us)})


def event_json(change: AlarmChange) -> str:
    """One change of one alarm; `seq` grows with every change, so a consumer can tell a repeat."""
    return compact({**_alarm(change.alarm), **_standing(change.standing), **_change(change)})


def iso(utc_us: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(utc_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(utc_us: int | None) -> str | None:
    return None if utc_us is None else iso(utc_us)


def _alarm(alarm: Alarm) -> dict[str, Any]:
    source = alarm.source
    sensor = source if isinstance(source, Sensor) else None
    return {
        "alarm": str(alarm),
        "tank": source.tank.name if source.tank else None,
        "probe": sensor.probe if sensor else None,
        "sensor": sensor.channel if sensor else None,
        "sensor_id": str(sensor.sensor_id) if sensor else None,
        "kind": alarm.kind.value,
        "priority": alarm.priority.value,
        "limit": alarm.limit,
        "unit": sensor.quantity.unit if sensor else None,
    }


def _standing(standing: Standing) -> dict[str, Any]:
    return {"state": standing.state.value, "active": standing.active, "occurrence": standing.occurrence}


def _change(change: AlarmChange) -> dict[str, Any]:
    return {
        "seq": change.seq,
        "event": change.event.value,
        "time": iso(change.at.utc_us),
        "clock_trusted": change.at.trusted,
        "value": change.value,
        "flag": change.flag.value,
        "message": change.message,
        "by": change.by,
        "reason": change.reason,
        "until": iso_or_none(change.until_us),
    }


def compact(body: dict[str, Any]) -> str:
    """JSON as it goes out."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # Half a character, as a garbled reply can bring into a reason, becomes \udcxx: right in JSON too, and sendable. An
    # alarm that cannot be sent would hold up all that come after it.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
