"""From a topic's bodies to the rows of the database, the same for everybody who writes them.

A batch becomes a few statements, each with whole columns for arguments: `INSERT … SELECT … FROM unnest(…)`. All of them
may run again with the same bodies, in any order, and nothing changes. What a reading tells of its sensor and tank is
written beside it, where it is news. The statements are for psycopg, which is not needed here.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, LiteralString

from cloud_sync.contract import inserts
from cloud_sync.contract.jsontext import json_text
from cloud_sync.contract.storable import clean, is_storable
from cloud_sync.contract.topics import (
    GATEWAY_HEALTH,
    SENSOR_ALERTS,
    SENSOR_ANOMALIES,
    SENSOR_GAPS,
    SENSOR_READINGS,
    SENSOR_ROLLUPS,
)

Body = Mapping[str, Any]
Statement = tuple[LiteralString, Sequence[str]]
_CASTS = re.compile(r"%s::\w+(\[\]|)")
_EMPTY = {"[]": "{}", "": "[]"}  # an array, and JSON's


def statements(topic: str, bodies: Sequence[Body]) -> list[Statement]:
    """What writes these bodies of one topic, to be executed in this order and in one transaction.

    KeyError for a topic that has no table, or a body that lacks a field. The database refuses a batch in which any row
    is wrong (a value that is not finite, a quality outside 0 to 1).
    """
    return _STATEMENTS[topic](bodies) if bodies else []


def rehearsal(topics: Iterable[str]) -> list[Statement]:
    """What writes these topics, with no rows: where it runs, tables, columns, keys and rights are as they must be."""
    needed = dict.fromkeys(statement for topic in topics for statement in _NEEDED[topic])
    return [(statement, [_EMPTY[cast] for cast in _CASTS.findall(statement)]) for statement in needed]


def _readings(bodies: Sequence[Body]) -> list[Statement]:
    columns = _columns(bodies, "time", "sensor_id", "tank_id", "sensor_type", "value", "quality_score")
    return [(inserts.READINGS, [*columns, _json(bodies, "metadata")]), *registrations(bodies)]


def _rollups(bodies: Sequence[Body]) -> list[Statement]:
    columns = _columns(
        bodies, "time", "sensor_id", "tank_id", "sensor_type", "count", "usable", "min", "mean", "max", "flag",
        "quality_score",
    )  # fmt: skip
    origin = _columns([body["metadata"] for body in bodies], "epoch", "sequence")
    return [(inserts.ROLLUPS, [*columns, *origin, _json(bodies, "metadata")]), *registrations(bodies)]


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
    raised = _earliest((body for body in bodies if body["created_at"]), "created_at")
    cleared = _earliest((_with_what_it_tells(body) for body in bodies if body["resolved_at"]), "resolved_at")
    pairs = ((inserts.RAISED, raised), (inserts.CLEARED, cleared))
    found: list[Statement] = [(statement, _alert_columns(some)) for statement, some in pairs if some]
    of_sensors = [body for body in bodies if body["sensor_id"]]
    return [*found, *_alert_events(bodies), *(registrations(of_sensors) if of_sensors else [])]


def _alert_events(bodies: Sequence[Body]) -> list[Statement]:
    """Every change by itself; of gateways that name no event it is in the alert alone."""
    told = [{**body["metadata"], **body} for body in bodies if body["metadata"].get("event")]
    if not told:
        return []
    columns = _columns(
        told, "gateway", "sequence", "time", "id", "event", "state", "by", "reason", "until", "actual_value", "message"
    )
    return [(inserts.ALERT_EVENTS, columns)]


def _alert_columns(bodies: Sequence[Body]) -> list[str]:
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


def registrations(bodies: Sequence[Body]) -> list[Statement]:
    """The sensors of these bodies and their tanks, as the newest body of each tells."""
    sensors = _newest(bodies, "sensor_id")
    tanks = _newest(sensors, "tank_id")
    facts = [{"sensor_type": body.get("sensor_type"), **body["metadata"]} for body in sensors]
    sensor = [*_columns(sensors, "sensor_id", "tank_id"), *_columns(facts, "sensor_type", "unit", "probe", "gateway")]
    tank = [*_columns(tanks, "tank_id"), *_columns([body["metadata"] for body in tanks], "tank", "gateway")]
    return [
        (inserts.TANKS, [*tank, *_columns(tanks, "time")]),
        (inserts.SENSORS, [*sensor, *_columns(sensors, "time")]),
    ]


def _newest(bodies: Sequence[Body], of: str) -> list[Body]:
    newest: dict[str, Body] = {}
    for body in bodies:
        if (known := newest.get(body[of])) is None or body["time"] >= known["time"]:
            newest[body[of]] = body
    return list(newest.values())


def _columns(bodies: Sequence[Body], *names: str) -> list[str]:
    return [_array([body[name] for body in bodies]) for name in names]


def _json(bodies: Sequence[Body], name: str) -> str:
    parts = [body[name] for body in bodies]
    text = json_text(parts)
    return text if is_storable(text) else json_text(clean(parts))


def _array(values: Sequence[Any]) -> str:
    """An array as PostgreSQL writes it: to make one of a list takes psycopg ten times as long."""
    text = "{" + ",".join(map(_element, values)) + "}"
    return text if text.isprintable() else "{" + ",".join([_element(clean(value)) for value in values]) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f'"{value}"'


_STATEMENTS: Final[Mapping[str, Callable[[Sequence[Body]], list[Statement]]]] = {
    SENSOR_READINGS: _readings,
    SENSOR_ROLLUPS: _rollups,
    SENSOR_GAPS: _gaps,
    SENSOR_ALERTS: _alerts,
    GATEWAY_HEALTH: _health,
    SENSOR_ANOMALIES: _anomalies,
}
_NEEDED: Final[Mapping[str, Sequence[LiteralString]]] = {
    SENSOR_READINGS: (inserts.READINGS, inserts.TANKS, inserts.SENSORS),
    SENSOR_ROLLUPS: (inserts.ROLLUPS, inserts.TANKS, inserts.SENSORS),
    SENSOR_GAPS: (inserts.GAPS,),
    SENSOR_ALERTS: (inserts.RAISED, inserts.CLEARED, inserts.ALERT_EVENTS, inserts.TANKS, inserts.SENSORS),
    GATEWAY_HEALTH: (inserts.HEALTH,),
    SENSOR_ANOMALIES: (inserts.ANOMALIES,),
}
TOPICS: Final = tuple(_STATEMENTS)
