"""The SQL that writes each kind of row: whole columns for arguments, and nothing changes when it runs again.

What is JSON comes as one JSON array, which PostgreSQL reads a quarter faster than an array of texts that are JSON.

Rows go in by the order of their keys, so that two who write the same ones never wait for each other in a circle.
"""

from typing import Final

READINGS: Final = """
INSERT INTO sensor_data.readings (time, sensor_id, tank_id, sensor_type, value, quality_score, metadata)
SELECT * FROM ROWS FROM (
    unnest(%s::timestamptz[], %s::uuid[], %s::uuid[], %s::text[], %s::float8[], %s::float8[]),
    jsonb_array_elements(%s::jsonb))
ORDER BY 2, 1
ON CONFLICT (sensor_id, time) DO NOTHING"""

ROLLUPS: Final = """
INSERT INTO sensor_data.rollups (time, sensor_id, tank_id, sensor_type, count_readings, usable_readings, min_value,
    avg_value, max_value, flag, quality_score, epoch, sequence, metadata)
SELECT * FROM ROWS FROM (
    unnest(%s::timestamptz[], %s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::int[], %s::float8[], %s::float8[],
        %s::float8[], %s::smallint[], %s::float8[], %s::text[], %s::bigint[]),
    jsonb_array_elements(%s::jsonb))
ORDER BY 2, 1, 12, 13
ON CONFLICT (sensor_id, time, epoch, sequence) DO NOTHING"""

GAPS: Final = """
INSERT INTO sensor_data.gaps (time, gateway, sink, from_time, to_time, count, first_sequence, last_sequence, reason,
    epoch, sequence, metadata)
SELECT * FROM ROWS FROM (
    unnest(%s::timestamptz[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[],
        %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[]),
    jsonb_array_elements(%s::jsonb))
ORDER BY 2, 1, 10, 11
ON CONFLICT (gateway, time, epoch, sequence) DO NOTHING"""

HEALTH: Final = """
INSERT INTO sensor_data.gateway_health (time, gateway, version, uptime_s, readings_per_s, alarms_standing, store, sinks,
    machine, metadata)
SELECT * FROM ROWS FROM (
    unnest(%s::timestamptz[], %s::text[], %s::text[], %s::float8[], %s::float8[], %s::bigint[]),
    jsonb_array_elements(%s::jsonb), jsonb_array_elements(%s::jsonb), jsonb_array_elements(%s::jsonb),
    jsonb_array_elements(%s::jsonb))
ORDER BY 2, 1
ON CONFLICT (gateway, time) DO NOTHING"""

ANOMALIES: Final = """
INSERT INTO analytics.anomalies (time, sensor_id, tank_id, sensor_type, value, detector, score, threshold,
    expected_mean, expected_stddev, window_start, window_end, reason, metadata)
SELECT * FROM ROWS FROM (
    unnest(%s::timestamptz[], %s::uuid[], %s::uuid[], %s::text[], %s::float8[], %s::text[], %s::float8[],
        %s::float8[], %s::float8[], %s::float8[], %s::timestamptz[], %s::timestamptz[], %s::text[]),
    jsonb_array_elements(%s::jsonb))
ORDER BY 2, 1, 6
ON CONFLICT (sensor_id, time, detector) DO NOTHING"""

# One row an occurrence. The raising says what it was, and of two the earlier; the clearing says that it is over, and
# keeps what it has to tell under metadata.cleared. Whichever comes first makes the row.
_ALERTS: Final = """
INSERT INTO sensor_data.alerts AS old (id, tank_id, sensor_id, alert_type, severity, message, threshold_value,
    actual_value, is_resolved, resolved_at, resolved_by, created_at, metadata)
SELECT * FROM ROWS FROM (
    unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::float8[],
        %s::bool[], %s::timestamptz[], %s::text[], %s::timestamptz[]),
    jsonb_array_elements(%s::jsonb))
ORDER BY 1"""
RAISED: Final = f"""{_ALERTS}
ON CONFLICT (id) DO UPDATE SET tank_id = EXCLUDED.tank_id, severity = EXCLUDED.severity, message = EXCLUDED.message,
    threshold_value = EXCLUDED.threshold_value, actual_value = EXCLUDED.actual_value,
    created_at = EXCLUDED.created_at,
    metadata = EXCLUDED.metadata || CASE WHEN old.metadata ? 'cleared'
        THEN jsonb_build_object('cleared', old.metadata -> 'cleared') ELSE '{{}}' END
WHERE old.created_at IS NULL OR EXCLUDED.created_at < old.created_at"""
CLEARED: Final = f"""{_ALERTS}
ON CONFLICT (id) DO UPDATE SET is_resolved = true, resolved_at = coalesce(old.resolved_at, EXCLUDED.resolved_at),
    resolved_by = coalesce(old.resolved_by, EXCLUDED.resolved_by),
    metadata = coalesce(old.metadata, '{{}}') || EXCLUDED.metadata
WHERE NOT old.is_resolved OR NOT coalesce(old.metadata ? 'cleared', false)"""

ALERT_EVENTS: Final = """
INSERT INTO sensor_data.alert_events (gateway, sequence, time, alert_id, event, state, done_by, reason, until_time,
    value, message)
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[], %s::uuid[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::timestamptz[], %s::float8[], %s::text[])
ORDER BY 1, 2
ON CONFLICT (gateway, sequence) DO NOTHING"""

# Only what is news is touched, in the order of the ids: writers side by side neither wait for each other nor deadlock.
TANKS: Final = """
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

SENSORS: Final = """
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
