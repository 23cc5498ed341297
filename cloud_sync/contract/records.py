"""From the domain's words to the contract's: pure, and quick enough to be run for every reading."""

from math import isfinite
from uuid import UUID, uuid5

from agent.domain.alarm import AlarmChange, Event
from agent.domain.farm import Sensor
from agent.domain.gateway_health import GatewayHealth
from agent.domain.reading import Gap, Rollup, StoredReading
from cloud_sync.contract.health_record import health_record
from cloud_sync.contract.origin import origin, place
from cloud_sync.contract.reading_body import ReadingBody, believable
from cloud_sync.contract.record import Record
from cloud_sync.contract.timestamps import check_has_text, iso_utc
from cloud_sync.contract.topics import SENSOR_ALERTS, SENSOR_GAPS, SENSOR_READINGS, SENSOR_ROLLUPS

_ALERTS = UUID("6a3f0f0e-5a0b-5c8e-9d53-6f1f4f0f7f11")

_made = tuple.__new__
"""A named tuple of all its fields in order: its own constructor takes twice as long."""


def record(entry: StoredReading | AlarmChange | Gap | Rollup | GatewayHealth, gateway: str) -> Record:
    """The record of anything that a lane carries."""
    if isinstance(entry, StoredReading):
        return reading_record(entry, gateway)
    if isinstance(entry, AlarmChange):
        return alert_record(entry, gateway)
    if isinstance(entry, Gap):
        return gap_record(entry, gateway)
    if isinstance(entry, Rollup):
        return rollup_record(entry, gateway)
    return health_record(entry, gateway)


def reading_record(stored: StoredReading, gateway: str) -> Record:
    """A reading for `sensor-readings`, keyed by sensor; with its body still to be made. Raises what that would raise:
    OverflowError for a time outside the years 1 to 9999, and whatever else for numbers that are none.
    """
    (sensor, at, value, _, _), _, quality, _, _ = stored.checked
    body = ReadingBody(stored, gateway)
    check_has_text(at.utc_us)
    if type(quality) is not float or (type(value) is not float and value is not None):
        body.made()
    return _made(Record, (stored.seq, SENSOR_READINGS, place(sensor)[0], at.utc_us, body))


def alert_record(change: AlarmChange, gateway: str) -> Record:
    """A change of an alarm for `sensor-alerts`, keyed by sensor, or by gateway where no sensor is concerned; with the
    columns of the table `alerts`.

    All changes of one occurrence have the same `id`, whatever became of the ring buffer in between, so that they
    complete the row of the first: `created_at` is there in the raising, `resolved_at` in the clearing, neither in what
    people did about it.
    """
    alarm, at, standing, source = change.alarm, change.at, change.standing, change.alarm.source
    time, until_us = iso_utc(at.utc_us), change.until_us
    sensor_id: str | None = None
    sensor_type, unit, probe = "Equipment", "", str(source)
    if isinstance(source, Sensor):
        sensor_id, _, sensor_type, _, probe, unit = place(source)
    body = {
        "time": time,
        "id": str(uuid5(_ALERTS, f"{gateway}/{sensor_id or source}/{alarm.kind.value}/{standing.raised}")),
        "tank_id": str(source.tank.tank_id) if source.tank else None,
        "sensor_id": sensor_id,
        "alert_type": alarm.kind.value,
        "severity": alarm.priority.value,
        "message": change.message,
        "threshold_value": _finite(alarm.limit),
        "actual_value": _finite(change.value),
        "is_resolved": not standing.active,
        "resolved_at": time if change.event is Event.CLEARED else None,
        "resolved_by": None,
        "created_at": time if change.event is Event.RAISED else None,
        "metadata": {
            "sensor_type": sensor_type,
            "flag": int(change.flag),
            "occurrence": standing.occurrence,
            "deadband": _finite(alarm.deadband),
            "on_delay_s": _finite(alarm.on_delay_s),
            "off_delay_s": _finite(alarm.off_delay_s),
            "tank": source.tank.name if source.tank else "",
            "probe": probe,
            "unit": unit,
            **origin(gateway, at),
            "sequence": change.seq,
            "event": change.event.value,
            "state": standing.state.value,
            "by": change.by,
            "reason": change.reason,
            "until": None if until_us is None else iso_utc(until_us),
        },
    }
    return Record(change.seq, SENSOR_ALERTS, sensor_id or gateway, at.utc_us, body)


def gap_record(gap: Gap, gateway: str) -> Record:
    """Readings that a sink will never get one by one, for `sensor-gaps`, keyed by gateway; its time is that of the last
    one. `count` is null where nobody knows how many they were.
    """
    body = {
        "time": iso_utc(gap.to_us),
        "from": iso_utc(gap.from_us),
        "to": iso_utc(gap.to_us),
        "count": gap.count,
        "first_sequence": gap.first_seq,
        "last_sequence": gap.last_seq,
        "sink": gap.sink,
        "reason": gap.because,
        "metadata": {"gateway": gateway, "epoch": gap.epoch, "sequence": gap.seq},
    }
    return Record(gap.seq, SENSOR_GAPS, gateway, gap.to_us, body)


def rollup_record(rollup: Rollup, gateway: str) -> Record:
    """A sensor's minute for `sensor-rollups`, keyed by sensor; its time is when the minute began.

    `count` readings, of which `usable` gave min, mean and max (null if none did); the worst `flag`, and the mean
    `quality_score` of all. The readings are those between the two sequence numbers; a minute may come in parts.
    """
    sensor_id, tank_id, sensor_type, tank, probe, unit = place(rollup.sensor)
    body = {
        "time": iso_utc(rollup.minute_us),
        "sensor_id": sensor_id,
        "tank_id": tank_id,
        "sensor_type": sensor_type,
        "count": rollup.readings,
        "usable": rollup.usable,
        "min": _finite(rollup.least),
        "mean": _finite(rollup.mean),
        "max": _finite(rollup.greatest),
        "flag": int(rollup.flag),
        "quality_score": believable(rollup.quality),
        "metadata": {
            "gateway": gateway,
            "tank": tank,
            "probe": probe,
            "unit": unit,
            "clock_trusted": rollup.trusted,
            "first_sequence": rollup.first_seq,
            "last_sequence": rollup.last_seq,
            "epoch": rollup.epoch,
            "sequence": rollup.seq,
        },
    }
    return Record(rollup.seq, SENSOR_ROLLUPS, sensor_id, rollup.minute_us, body)


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None
