"""From a topic's bodies to the rows of the database, the same for everybody who writes them.

A batch becomes a few statements, each with whole columns for arguments: `INSERT … SELECT … FROM unnest(…)`. All of them
may run again with the same bodies, in any order, and nothing changes. What a reading tells of its sensor and tank is
written beside it, where it is news. The statements are for psycopg, which is not needed here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, LiteralString

from cloud_sync.contract import inserts
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.topics import (
    GATEWAY_HEALTH,
    SENSOR_ALERTS,
    SENSOR_ANOMALIES,
    SENSOR_GAPS,
    SENSOR_READINGS,
    SENSOR_ROLLUPS,
)

Body = Mapping[str, Any]
Statement = tuple[LiteralString, Sequence[Sequence[Any]]]


def statements(topic: str, bodies: Sequence[Body]) -> list[Statement]:
    """What writes these bodies of one topic, to be executed in this order and in one transaction.

    KeyError for a topic that has no table, or a body that lacks a field. The database refuses a batch in which any row
    is wrong (a value that is not finite, a quality outside 0 to 1).
    """
    return _STATEMENTS[topic](bodies) if bodies else []


def _readings(bodies: Sequence[Body]) -> list[Statement]:
    columns = _columns(bodies, "time", "sensor_id", "tank_id", "sensor_type", "value", "quality_score")
    return [(inserts.READINGS, [*columns, _json(bodies, "metadata")]), *_registry(bodies)]


def _rollups(bodies: Sequence[Body]) -> list[Statement]:
    columns = _columns(
        bodies, "time", "sensor_id", "tank_id", "sensor_type", "count", "usable", "min", "mean", "max", "flag",
        "quality_score",
    )  # fmt: skip
    origin = _columns([body["metadata"] for body in bodies], "epoch", "sequence")
    return [(inserts.ROLLUPS, [*columns, *origin, _json(bodies, "metadata")]), *_registry(bodies)]


def _gaps(bodies: Sequence[Body]) -> list[Statement]:
    origins = [body["metadata"] for body in bodies]
    (time,) = _columns(bodies, "time")
    fields = _columns(bodies, "sink", "from", "to", "count", "first_sequence", "last_sequence", "reason")
    columns = [time, *_columns(origins, "gateway"), *fields, *_columns(origins, "epoch", "sequence")]
    return [(inserts.GAPS, [*columns, _json(bodies, "metadata")])]


def _health(bodies: Sequence[Body]) -> list[Statement]:
    origins = [body["metadata"] for body in bodies]
    (time,) = _columns(bodies, "time")
    numbers = _columns(bodies, "version", "uptime_s", "readings_per_s", "alarms_standing")
    parts = [_json(bodies, part) for part in ("store", "sinks", "machine", "metadata")]
    return [(inserts.HEALTH, [time, *_columns(origins, "gateway"), *numbers, *parts])]


def _anomalies(bodies: Sequence[Body]) -> list[Statement]:
    columns = _columns(
        bodies, "time", "sensor_id", "tank_id", "sensor_type", "value", "detector", "score", "threshold",
        "expected_mean", "expected_stddev", "window_start", "window_end", "reason",
    )  # fmt: skip
    return [(inserts.ANOMALIES, [*columns, _json(bodies, "metadata")])]


def _alerts(bodies: Sequence[Body]) -> list[Statement]:
    raised = _earliest((body for body in bodies if not body["is_resolved"]), "created_at")
    cleared = _earliest((_with_what_it_tells(body) for body in bodies if body["is_resolved"]), "resolved_at")
    pairs = ((inserts.RAISED, raised), (inserts.CLEARED, cleared))
    found: list[Statement] = [(statement, _alert_columns(some)) for statement, some in pairs if some]
    return [*found, *_registry(bodies)]


def _alert_columns(bodies: Sequence[Body]) -> list[list[Any]]:
    columns = _columns(
        bodies, "id", "tank_id", "sensor_id", "alert_type", "severity", "message", "threshold_value", "actual_value",
        "is_resolved", "resolved_at", "resolved_by", "created_at",
    )  # fmt: skip
    return [*columns, _json(bodies, "metadata")]


def _earliest(bodies: Iterable[Body], when: str) -> list[Body]:
    """One body an alert, by id: a statement can't touch a row twice."""
    ordered = sorted(bodies, key=lambda body: (body["id"], body[when]), reverse=True)
    return list({body["id"]: body for body in ordered}.values())[::-1]


def _with_what_it_tells(body: Body) -> Body:
    told = {key: body[key] for key in ("message", "actual_value")}
    return {**body, "metadata": {"cleared": {**body["metadata"], **told}}}


def _registry(bodies: Sequence[Body]) -> list[Statement]:
    """The tanks and sensors of these bodies, as the newest of them tell."""
    tanks: dict[str, Sequence[Any]] = {}
    sensors: dict[str, Sequence[Any]] = {}
    for body in sorted(bodies, key=lambda body: str(body["time"])):
        about = body["metadata"]
        sensor_type = body.get("sensor_type") or about["sensor_type"]
        tank_id, sensor_id, gateway, time = body["tank_id"], body["sensor_id"], about["gateway"], body["time"]
        tanks[tank_id] = (tank_id, _clean(about["tank"]), _clean(gateway), time)
        facts = (sensor_type, about["unit"], about["probe"], gateway)
        sensors[sensor_id] = (sensor_id, tank_id, *map(_clean, facts), time)
    return [(inserts.TANKS, _turned(tanks.values())), (inserts.SENSORS, _turned(sensors.values()))]


def _columns(bodies: Iterable[Body], *names: str) -> list[list[Any]]:
    return _turned([_clean(body[name]) for name in names] for body in bodies)


def _turned(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _json(bodies: Iterable[Body], name: str) -> list[str]:
    return [json_bytes(_clean(body[name])).decode() for body in bodies]


def _clean(value: Any) -> Any:
    """Text that PostgreSQL takes: a garbled reply can bring NUL and half characters into a reason, which become �."""
    if isinstance(value, str):
        return value if value.isprintable() else "".join(map(_storable, value))
    if isinstance(value, Mapping):
        return {key: _clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    return value


def _storable(character: str) -> str:
    return "\ufffd" if character == "\0" or "\ud800" <= character <= "\udfff" else character


_STATEMENTS: Final[Mapping[str, Callable[[Sequence[Body]], list[Statement]]]] = {
    SENSOR_READINGS: _readings,
    SENSOR_ROLLUPS: _rollups,
    SENSOR_GAPS: _gaps,
    SENSOR_ALERTS: _alerts,
    GATEWAY_HEALTH: _health,
    SENSOR_ANOMALIES: _anomalies,
}
TOPICS: Final = tuple(_STATEMENTS)
