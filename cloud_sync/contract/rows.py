"""From a topic's bodies to the rows of the database, the same for everybody who writes them.

A batch becomes a few statements, each with whole columns for arguments: `INSERT … SELECT … FROM unnest(…)`. All of them
may run again with the same bodies, in any order, and nothing changes. What a reading tells of its sensor and tank is
written beside it, where it is news.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, LiteralString

from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.topics import SENSOR_ALERTS, SENSOR_GAPS, SENSOR_READINGS, SENSOR_ROLLUPS

Body = Mapping[str, Any]
Statement = tuple[LiteralString, Sequence[Sequence[Any]]]

_READINGS: Final = """
INSERT INTO sensor_data.readings (time, sensor_id, tank_id, sensor_type, value, quality_score, metadata)
SELECT * FROM unnest(%s::timestamptz[], %s::uuid[], %s::uuid[], %s::text[], %s::float8[], %s::float8[], %s::jsonb[])
ON CONFLICT (sensor_id, time) DO NOTHING"""

_ROLLUPS: Final = """
INSERT INTO sensor_data.rollups (time, sensor_id, tank_id, sensor_type, count_readings, usable_readings, min_value,
    avg_value, max_value, flag, quality_score, epoch, sequence, metadata)
SELECT * FROM unnest(%s::timestamptz[], %s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::int[], %s::float8[],
    %s::float8[], %s::float8[], %s::smallint[], %s::float8[], %s::text[], %s::bigint[], %s::jsonb[])
ON CONFLICT (sensor_id, time, epoch, sequence) DO NOTHING"""

_GAPS: Final = """
INSERT INTO sensor_data.gaps (time, gateway, sink, from_time, to_time, count, first_sequence, last_sequence, reason,
    epoch, sequence, metadata)
SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::jsonb[])
ON CONFLICT (gateway, time, epoch, sequence) DO NOTHING"""

# One row an occurrence. The raising says what it was, and of two the earlier; the clearing says that it is over, and
# keeps what it has to tell under metadata.cleared. Whichever comes first makes the row.
_ALERTS: Final = """
INSERT INTO sensor_data.alerts AS old (id, tank_id, sensor_id, alert_type, severity, message, threshold_value,
    actual_value, is_resolved, resolved_at, resolved_by, created_at, metadata)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::float8[],
    %s::float8[], %s::bool[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::jsonb[])"""
_RAISED: Final = f"""{_ALERTS}
ON CONFLICT (id) DO UPDATE SET tank_id = EXCLUDED.tank_id, severity = EXCLUDED.severity, message = EXCLUDED.message,
    threshold_value = EXCLUDED.threshold_value, actual_value = EXCLUDED.actual_value,
    created_at = EXCLUDED.created_at,
    metadata = EXCLUDED.metadata || CASE WHEN old.metadata ? 'cleared'
        THEN jsonb_build_object('cleared', old.metadata -> 'cleared') ELSE '{{}}' END
WHERE old.created_at IS NULL OR EXCLUDED.created_at < old.created_at"""
_CLEARED: Final = f"""{_ALERTS}
ON CONFLICT (id) DO UPDATE SET is_resolved = true, resolved_at = coalesce(old.resolved_at, EXCLUDED.resolved_at),
    resolved_by = coalesce(old.resolved_by, EXCLUDED.resolved_by),
    metadata = coalesce(old.metadata, '{{}}') || EXCLUDED.metadata
WHERE NOT old.is_resolved OR NOT coalesce(old.metadata ? 'cleared', false)"""

# Only what is news is touched, in the order of the ids: writers side by side neither wait for each other nor deadlock.
_TANKS: Final = """
INSERT INTO sensor_data.tanks AS old (id, name, gateway, told_at, status)
SELECT new.*, 'Active' FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[])
    new (id, name, gateway, told_at)
LEFT JOIN sensor_data.tanks known ON known.id = new.id
WHERE known.id IS NULL OR known.told_at IS NULL OR known.told_at < new.told_at
    AND (known.name, known.gateway) IS DISTINCT FROM (new.name, new.gateway)
ORDER BY new.id
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, gateway = EXCLUDED.gateway, told_at = EXCLUDED.told_at,
    updated_at = now()
WHERE old.told_at IS NULL OR old.told_at < EXCLUDED.told_at"""

_SENSORS: Final = """
INSERT INTO sensor_data.sensors AS old (id, tank_id, sensor_type, unit, probe, gateway, told_at)
SELECT new.* FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
    new (id, tank_id, sensor_type, unit, probe, gateway, told_at)
LEFT JOIN sensor_data.sensors known ON known.id = new.id
WHERE known.id IS NULL OR known.told_at IS NULL OR known.told_at < new.told_at
    AND (known.tank_id, known.sensor_type, known.unit, known.probe, known.gateway)
        IS DISTINCT FROM (new.tank_id, new.sensor_type, new.unit, new.probe, new.gateway)
ORDER BY new.id
ON CONFLICT (id) DO UPDATE SET tank_id = EXCLUDED.tank_id, sensor_type = EXCLUDED.sensor_type, unit = EXCLUDED.unit,
    probe = EXCLUDED.probe, gateway = EXCLUDED.gateway, told_at = EXCLUDED.told_at, updated_at = now()
WHERE old.told_at IS NULL OR old.told_at < EXCLUDED.told_at"""


def statements(topic: str, bodies: Sequence[Body]) -> list[Statement]:
    """What writes these bodies of one topic, to be executed in this order and in one transaction.

    KeyError for a topic that has no table, or a body that lacks a field. The database refuses a batch in which any row
    is wrong (a value that is not finite, a quality outside 0 to 1).
    """
    return _STATEMENTS[topic](bodies) if bodies else []


def rehearsal(topics: Iterable[str]) -> list[Statement]:
    """What writes these topics, with no rows: where it runs, tables, columns, keys and rights are as they must be."""
    needed = dict.fromkeys(statement for topic in topics for statement in _NEEDED[topic])
    return [(statement, [[]] * statement.count("%s")) for statement in needed]


def _readings(bodies: Sequence[Body]) -> list[Statement]:
    columns = _columns(bodies, "time", "sensor_id", "tank_id", "sensor_type", "value", "quality_score")
    return [(_READINGS, [*columns, _metadata(bodies)]), *_registry(bodies)]


def _rollups(bodies: Sequence[Body]) -> list[Statement]:
    columns = _columns(
        bodies, "time", "sensor_id", "tank_id", "sensor_type", "count", "usable", "min", "mean", "max", "flag",
        "quality_score",
    )  # fmt: skip
    origin = _columns([body["metadata"] for body in bodies], "epoch", "sequence")
    return [(_ROLLUPS, [*columns, *origin, _metadata(bodies)]), *_registry(bodies)]


def _gaps(bodies: Sequence[Body]) -> list[Statement]:
    origins = [body["metadata"] for body in bodies]
    (time,) = _columns(bodies, "time")
    fields = _columns(bodies, "sink", "from", "to", "count", "first_sequence", "last_sequence", "reason")
    columns = [time, *_columns(origins, "gateway"), *fields, *_columns(origins, "epoch", "sequence")]
    return [(_GAPS, [*columns, _metadata(bodies)])]


def _alerts(bodies: Sequence[Body]) -> list[Statement]:
    raised = _earliest((body for body in bodies if not body["is_resolved"]), "created_at")
    cleared = _earliest((_with_what_it_tells(body) for body in bodies if body["is_resolved"]), "resolved_at")
    pairs = ((_RAISED, raised), (_CLEARED, cleared))
    found: list[Statement] = [(statement, _alert_columns(some)) for statement, some in pairs if some]
    return [*found, *_registry(bodies)]


def _alert_columns(bodies: Sequence[Body]) -> list[list[Any]]:
    columns = _columns(
        bodies, "id", "tank_id", "sensor_id", "alert_type", "severity", "message", "threshold_value", "actual_value",
        "is_resolved", "resolved_at", "resolved_by", "created_at",
    )  # fmt: skip
    return [*columns, _metadata(bodies)]


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
    return [(_TANKS, _turned(tanks.values())), (_SENSORS, _turned(sensors.values()))]


def _columns(bodies: Iterable[Body], *names: str) -> list[list[Any]]:
    return _turned([_clean(body[name]) for name in names] for body in bodies)


def _turned(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _metadata(bodies: Iterable[Body]) -> list[str]:
    return [json_bytes(_clean(body["metadata"])).decode() for body in bodies]


def _clean(value: Any) -> Any:
    """Text that PostgreSQL takes: a garbled reply can bring NUL and half characters into a reason, which become �."""
    if isinstance(value, str):
        return value if value.isprintable() else "".join(map(_storable, value))
    if isinstance(value, Mapping):
        return {key: _clean(part) for key, part in value.items()}
    return value


def _storable(character: str) -> str:
    return "\ufffd" if character == "\0" or "\ud800" <= character <= "\udfff" else character


_STATEMENTS: Final[Mapping[str, Callable[[Sequence[Body]], list[Statement]]]] = {
    SENSOR_READINGS: _readings,
    SENSOR_ROLLUPS: _rollups,
    SENSOR_GAPS: _gaps,
    SENSOR_ALERTS: _alerts,
}
_NEEDED: Final[Mapping[str, Sequence[LiteralString]]] = {
    SENSOR_READINGS: (_READINGS, _TANKS, _SENSORS),
    SENSOR_ROLLUPS: (_ROLLUPS, _TANKS, _SENSORS),
    SENSOR_GAPS: (_GAPS,),
    SENSOR_ALERTS: (_RAISED, _CLEARED, _TANKS, _SENSORS),
}
TOPICS: Final = tuple(_STATEMENTS)
